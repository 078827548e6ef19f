package history

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// parseStamp reads a timestamp: JSON text that is a string or a number. It is RFC 3339 with any
// offset, or seconds since 1970 with a fraction; numbers too large for that are milliseconds.
func parseStamp(raw string) (t time.Time, ok bool) {
	raw = unquote(raw)
	if t, err := time.Parse(time.RFC3339Nano, raw); err == nil {
		return t.UTC(), true
	}
	if t, ok := parseEpoch(raw); ok {
		return t, true
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(layout, raw); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// epochMillis is where numbers stop to be seconds (it would be the year 5138) and are milliseconds.
const epochMillis = 1e11

func parseEpoch(raw string) (t time.Time, ok bool) {
	whole, fraction, _ := strings.Cut(raw, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds < 0 || strings.Trim(fraction, "0123456789") != "" {
		f, err := strconv.ParseFloat(raw, 64)
		if err != nil || math.IsNaN(f) || math.Abs(f) >= epochMillis {
			return time.Time{}, false
		}
		return time.UnixMicro(int64(math.Round(f * 1e6))).UTC(), true
	}
	if seconds >= epochMillis {
		if seconds >= epochMillis*1000 {
			return time.Time{}, false
		}
		return time.UnixMilli(seconds).UTC(), true
	}
	nanos, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	return time.Unix(seconds, nanos).UTC(), true
}

// appendStamp appends t as AWS writes it; stamp is what t was read from.
func appendStamp(dst []byte, t time.Time, stamp string) []byte {
	if stamp != "" {
		if read, _ := parseStamp(stamp); read.Equal(t) {
			return append(dst, stamp...)
		}
	}
	layout := `"2006-01-02T15:04:05.000Z07:00"`
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		layout = `"2006-01-02T15:04:05.999999999Z07:00"`
	}
	return t.AppendFormat(dst, layout)
}
