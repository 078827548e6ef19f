package jsonata

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// maxMillis is how far from 1970 a date may be, as in ECMAScript.
const maxMillis = 8.64e15

func now(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	return formatMillis(ev, float64(ev.clock().UnixMilli()), arg(args, 0), arg(args, 1))
}

func millis(ev *run, _ []value.Value, _ value.Value) (value.Value, error) {
	return value.Float(float64(ev.clock().UnixMilli())), nil
}

func fromMillis(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	x, ok := asNumber(arg(args, 0))
	if !ok {
		return value.Value{}, nil
	}
	return formatMillis(ev, x, arg(args, 1), arg(args, 2))
}

func formatMillis(ev *run, ms float64, picture, zone value.Value) (value.Value, error) {
	if math.IsNaN(ms) || math.Abs(ms) > maxMillis {
		return value.Value{}, failValue("D1001", number(ms))
	}
	// The offset is hours times a hundred and minutes; a negative one with
	// minutes counts as the reference takes it apart.
	offset := 0.0
	if s, ok := zone.AsString(); ok {
		offset = leadingInteger(s)
		if math.IsNaN(offset) || math.Abs(offset) > 10000 {
			return value.Value{}, failValue("D3134", zone)
		}
	}
	hours := math.Floor(offset / 100)
	minutes := math.Mod(offset, 100)
	shift := time.Duration(60*hours+minutes) * time.Minute
	text, ok := picture.AsString()
	if !ok {
		text = isoPicture
	}
	parts, err := parseDatePicture(text)
	if err != nil {
		return value.Value{}, err
	}
	if err := ev.tick(len(parts)); err != nil {
		return value.Value{}, err
	}
	d := dateFormatter{t: time.UnixMilli(int64(ms)).UTC().Add(shift), hours: hours, minutes: minutes}
	for _, p := range parts {
		if err := d.write(p); err != nil {
			return value.Value{}, err
		}
	}
	return value.String(d.b.String()), ev.alloc(d.b.Len())
}

type dateFormatter struct {
	b              strings.Builder
	t              time.Time
	hours, minutes float64 // of the offset
}

func (d *dateFormatter) write(p *datePart) *Error {
	switch p.component {
	case 0:
		d.b.WriteString(p.literal)
		return nil
	case 'Z', 'z':
		return d.zone(p)
	case 'C', 'E':
		d.b.WriteString("ISO")
		return nil
	case 'P':
		half := "am"
		if d.t.Hour() >= 12 {
			half = "pm"
		}
		if p.names == upperCase {
			half = strings.ToUpper(half)
		}
		d.b.WriteString(half)
		return nil
	}
	n := d.component(p.component)
	if p.named {
		switch p.component {
		case 'M', 'x':
			d.b.WriteString(p.nameIn(monthNames[int(n)]))
		case 'F':
			d.b.WriteString(p.nameIn(dayNames[int(n)]))
		default:
			return failValue("D3133", value.String(string(p.component)))
		}
		return nil
	}
	if p.component == 'Y' && p.modulo > 0 {
		n = math.Mod(n, math.Pow10(min(p.modulo, 300)))
	}
	if p.integer.mandatory > maxFieldWidth {
		return failValue("D3134", value.Value{})
	}
	s, err := p.integer.format(n)
	d.b.WriteString(s)
	return err
}

const maxFieldWidth = 1000

// component is a part of the date as a number.
func (d *dateFormatter) component(c byte) float64 {
	t := d.t
	switch c {
	case 'Y':
		return float64(t.Year())
	case 'M':
		return float64(t.Month())
	case 'D':
		return float64(t.Day())
	case 'd':
		return float64(t.YearDay())
	case 'F':
		return float64(isoWeekday(t))
	case 'H':
		return float64(t.Hour())
	case 'h':
		return float64((t.Hour()+11)%12 + 1)
	case 'm':
		return float64(t.Minute())
	case 's':
		return float64(t.Second())
	case 'f':
		return float64(t.Nanosecond() / 1e6)
	}
	// A week belongs where its Thursday is.
	thursday := t.AddDate(0, 0, 4-isoWeekday(t))
	switch c {
	case 'W':
		return float64((thursday.YearDay()-1)/7 + 1)
	case 'w':
		return float64((thursday.Day()-1)/7 + 1)
	case 'X':
		return float64(thursday.Year())
	}
	return float64(thursday.Month()) // x
}

// isoWeekday counts from Monday, which is 1.
func isoWeekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

func (d *dateFormatter) zone(p *datePart) *Error {
	offset := 100*d.hours + d.minutes
	if p.zulu && offset == 0 {
		d.b.WriteByte('Z')
		return nil
	}
	var text string
	var err *Error
	switch n := p.integer.mandatory; {
	case p.integer.style != styleDecimal || n > 4:
		return fail("D3134")
	case p.integer.regular > 0 || n > 2:
		text, err = p.integer.format(offset)
	default:
		text, err = p.integer.format(d.hours)
		if d.minutes != 0 {
			two := &integerPicture{zero: '0', mandatory: 2}
			rest, _ := two.format(d.minutes)
			text += ":" + rest
		}
	}
	if p.component == 'z' {
		d.b.WriteString("GMT")
	}
	if offset >= 0 {
		d.b.WriteByte('+')
	}
	d.b.WriteString(text)
	return err
}

// isoTimestamp is what $toMillis reads without a picture.
var isoTimestamp = lazyregexp.New(`^(\d{4})(?:-([01]\d))?(?:-([0-3]\d))?(?:T([0-2]\d):([0-5]\d):([0-5]\d))?(\.\d+)?(?:([+-])([0-2]\d):?([0-5]\d)|(Z))?$`)

func toMillis(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	if err := ev.tick(len(s)); err != nil {
		return value.Value{}, err
	}
	picture, given := textArg(args, 1)
	if given {
		ms, ok, err := parseDate(s, picture, ev.clock().UTC())
		if err != nil || !ok {
			return value.Value{}, errorOrNil(err)
		}
		return number(ms), nil
	}
	m := isoTimestamp.FindStringSubmatch(s)
	if m == nil {
		return value.Value{}, failValue("D3110", args[0])
	}
	return number(isoMillis(m)), nil
}

// errorOrNil keeps a nil *Error from becoming an error that is not nil.
func errorOrNil(err *Error) error {
	if err == nil {
		return nil
	}
	return err
}

// isoMillis computes the time of a match of isoTimestamp; NaN where there is no
// such time.
func isoMillis(m []string) float64 {
	n := func(i, missing int) int {
		if m[i] == "" {
			return missing
		}
		v, _ := strconv.Atoi(m[i])
		return v
	}
	year, month, day := n(1, 0), n(2, 1), n(3, 1)
	hour, minute, second := n(4, 0), n(5, 0), n(6, 0)
	nano := 0
	if m[7] != "" {
		f, _ := strconv.ParseFloat("0"+m[7], 64)
		nano = int(math.Floor(f*1000+1e-9)) * 1e6
	}
	if month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || hour == 24 && minute+second+nano > 0 {
		return math.NaN()
	}
	ms := float64(time.Date(year, time.Month(month), day, hour, minute, second, nano, time.UTC).UnixMilli())
	if m[8] != "" {
		offset := float64(n(9, 0)*60+n(10, 0)) * 60_000
		if m[8] == "-" {
			offset = -offset
		}
		ms -= offset
	}
	return ms
}

// parseDate reads s by a picture. ok is false where it does not look like that.
func parseDate(s, picture string, now time.Time) (ms float64, ok bool, err *Error) {
	parts, err := parseDatePicture(picture)
	if err != nil {
		return 0, false, err
	}
	var b strings.Builder
	b.WriteString("^(?i:")
	var markers []*datePart
	for _, p := range parts {
		pattern, err := p.pattern()
		if err != nil {
			return 0, false, err
		}
		b.WriteString(pattern)
		if p.component != 0 {
			markers = append(markers, p)
		}
	}
	re, rerr := regexp.Compile(b.String() + ")$")
	if rerr != nil {
		return 0, false, failValue("D3136", value.Value{})
	}
	m := re.FindStringSubmatch(s)
	if m == nil {
		return 0, false, nil
	}
	r := dateReader{now: now, parts: map[byte]float64{}}
	for i, p := range markers {
		if err := r.read(p, m[i+1]); err != nil {
			return 0, false, err
		}
	}
	if len(r.parts) == 0 {
		return 0, false, nil
	}
	return r.millis()
}

// dateReader collects the components that a text gives.
type dateReader struct {
	now   time.Time
	parts map[byte]float64
}

func (r *dateReader) read(p *datePart, s string) *Error {
	switch {
	case p.component == 'Z' || p.component == 'z':
		r.parts['Z'] = p.zoneMinutes(s)
	case p.named:
		if v, ok := p.lookupName(s); ok {
			r.parts[p.component] = v
		}
	case p.component == 'f':
		f, _ := strconv.ParseFloat("0."+s, 64)
		r.parts['f'] = math.Floor(f*1000 + 1e-9)
	default:
		v, err := p.integer.parse(s)
		if err != nil {
			return err
		}
		r.parts[p.component] = v
	}
	return nil
}

// zoneMinutes reads an offset such as -05:30 or +0530.
func (p *datePart) zoneMinutes(s string) float64 {
	if seps := p.integer.separators; len(seps) > 0 {
		hours, minutes, _ := strings.Cut(s, string(seps[len(seps)-1].char))
		return leadingInteger(hours)*60 + leadingInteger(minutes)
	}
	if len(s) <= 3 {
		return leadingInteger(s) * 60
	}
	return leadingInteger(s[:3])*60 + leadingInteger(s[3:])
}

// has reports that any of the components was given.
func (r *dateReader) has(components string) bool {
	for i := range len(components) {
		if _, ok := r.parts[components[i]]; ok {
			return true
		}
	}
	return false
}

// only reports that some of YXMxWwdD were given, and all of these are in set.
func (r *dateReader) only(all, set string) bool {
	for i := range len(all) {
		if _, ok := r.parts[all[i]]; ok && strings.IndexByte(set, all[i]) < 0 {
			return false
		}
	}
	return r.has(set)
}

func (r *dateReader) millis() (float64, bool, *Error) {
	const dates, times = "YXMxWwdD", "PHhmsf"
	byMonth := r.only(dates, "YMD")
	byDay := !byMonth && r.only(dates, "Yd")
	byMonthWeek := !byMonth && !byDay && r.only(dates, "XxwF")
	byWeek := !byMonth && !byDay && !byMonthWeek && r.only(dates, "XWF")
	if byMonthWeek || byWeek {
		return 0, false, fail("D3136") // weeks cannot be read
	}
	halves := !r.only(times, "Hmsf") && r.only(times, "Phmsf")
	order := "YMD"
	if byDay {
		order = "YD"
	}
	if halves {
		order += "Phmsf"
	} else {
		order += "Hmsf"
	}
	if err := r.complete(order); err != nil {
		return 0, false, err
	}
	get := func(c byte) float64 { return r.parts[c] }
	hour := get('H')
	if halves {
		hour = get('h')
		if hour == 12 {
			hour = 0
		}
		if get('P') == 1 {
			hour += 12
		}
	}
	year, month, day := get('Y'), get('M'), get('D')
	if byDay {
		t := utcDate(year, 1, get('d'))
		month, day = float64(t.Month()), float64(t.Day())
	}
	for _, f := range []float64{year, month, day, hour, get('m'), get('s'), get('f')} {
		if math.IsNaN(f) || math.Abs(f) > 1e9 {
			return math.NaN(), true, nil
		}
	}
	ms := float64(utcDate(year, month, day).UnixMilli()) + ((hour*60+get('m'))*60+get('s'))*1000 + get('f')
	return ms - get('Z')*60_000, true, nil
}

// utcDate takes years below 100 for the 1900s, as ECMAScript does.
func utcDate(year, month, day float64) time.Time {
	if year >= 0 && year <= 99 {
		year += 1900
	}
	return time.Date(int(year), time.Month(int(month)), int(day), 0, 0, 0, 0, time.UTC)
}

// complete fills in what was not given: before the first given component today's,
// behind the last the least. A gap in between is an error.
func (r *dateReader) complete(order string) *Error {
	started, ended := false, false
	for i := range len(order) {
		c := order[i]
		if _, ok := r.parts[c]; ok {
			started = true
			if ended {
				return fail("D3136")
			}
			continue
		}
		switch {
		case !started:
			d := dateFormatter{t: r.now}
			if c != 'P' {
				r.parts[c] = d.component(c)
			}
		case c == 'M' || c == 'D':
			r.parts[c] = 1
			ended = true
		default:
			r.parts[c] = 0
			ended = true
		}
	}
	return nil
}
