package jsonata

import (
	"crypto/md5"  //nolint:gosec // AWS offers it
	"crypto/sha1" //nolint:gosec // AWS offers it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// failHere is an error of a function that only AWS has, without a code of the language's.
func failHere(message string, v value.Value) error {
	e := failValue("D3137", v)
	e.raw = message
	return e
}

// partition is $partition(array, size): arrays of size items, the last maybe shorter.
func partition(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	list := arg(args, 0)
	if list.IsAbsent() {
		return list, nil
	}
	size, _ := asNumber(arg(args, 1))
	n := int(min(math.Floor(size), math.MaxInt32))
	if n < 1 {
		return list, failHere("The second argument of partition function must be a positive number", arg(args, 1))
	}
	if err := ev.allocItems(2*list.Len()/n + 1); err != nil {
		return list, err
	}
	var parts []value.Value
	for items := list.Items(); len(items) > 0; {
		k := min(n, len(items))
		parts = append(parts, value.Array(items[:k:k]...))
		items = items[k:]
	}
	return value.Array(parts...), nil
}

// rangeOf is $range(first, last, delta), both ends included. On AWS a range of one
// number is that number (recorded: $range(1, 9, 9) gives 1), so it is a sequence.
func rangeOf(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	var in [3]float64
	for i := range in {
		f, ok := asNumber(arg(args, i))
		if !ok {
			return value.Value{}, nil
		}
		in[i] = f
	}
	first, last, delta := in[0], in[1], in[2]
	if delta == 0 {
		return value.Value{}, failHere("The third argument of range function must not be zero", args[2])
	}
	size := math.Floor((last-first)/delta+1e-9) + 1
	if size <= 0 {
		return value.Value{}, nil
	}
	if size > maxRange {
		return value.Value{}, failValue("D2014", number(size))
	}
	if err := ev.allocItems(int(size)); err != nil {
		return value.Value{}, err
	}
	items := make([]value.Value, int(size))
	for i := range items {
		items[i] = value.Float(first + float64(i)*delta)
	}
	return sequence(items), nil
}

// hash is $hash(text, algorithm): lower-case hexadecimal.
func hash(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	if err := ev.tick(len(s) / 64); err != nil {
		return value.Value{}, err
	}
	algorithm, _ := textArg(args, 1)
	var sum []byte
	switch b := []byte(s); algorithm {
	case "MD5":
		h := md5.Sum(b) //nolint:gosec // AWS offers it
		sum = h[:]
	case "SHA-1":
		h := sha1.Sum(b) //nolint:gosec // AWS offers it
		sum = h[:]
	case "SHA-256":
		h := sha256.Sum256(b)
		sum = h[:]
	case "SHA-384":
		h := sha512.Sum384(b)
		sum = h[:]
	case "SHA-512":
		h := sha512.Sum512(b)
		sum = h[:]
	default:
		return value.Value{}, failHere("The second argument of hash function must be one of MD5, SHA-1, SHA-256, SHA-384, SHA-512", arg(args, 1))
	}
	return value.String(hex.EncodeToString(sum)), nil
}

// seeded is the number that $random gives for a seed.
func seeded(seed float64) float64 {
	return rand.New(rand.NewPCG(math.Float64bits(seed), 0)).Float64()
}

// uuid is a random UUID, version 4.
func uuid(ev *run, _ []value.Value, _ value.Value) (value.Value, error) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], ev.random())
	binary.BigEndian.PutUint64(b[8:], ev.random())
	b[6] = b[6]&0x0F | 0x40
	b[8] = b[8]&0x3F | 0x80
	h := hex.EncodeToString(b[:])
	return value.String(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]), nil
}

// parseJSON is $parse: a document from its text. Its numbers are JSONata's, not
// the text's (recorded: $parse('-0') gives 0).
func parseJSON(ev *run, args []value.Value, _ value.Value) (value.Value, error) {
	s, ok := textArg(args, 0)
	if !ok {
		return value.Value{}, nil
	}
	if err := ev.alloc(8 * len(s)); err != nil {
		return value.Value{}, err
	}
	v, err := value.Parse(s)
	if err != nil {
		return value.Value{}, failHere("The argument of parse function is not valid JSON: "+err.Error(), args[0])
	}
	return canonicalNumbers(v), nil
}

// canonicalNumbers returns v with its numbers written as computed ones are.
func canonicalNumbers(v value.Value) value.Value {
	switch v.Kind() {
	case value.KindNumber:
		text, _ := v.Number()
		if f, _ := v.AsFloat(); !math.IsInf(f, 0) && formatNumberText(f) != text {
			return value.Float(f)
		}
	case value.KindArray:
		items := make([]value.Value, v.Len())
		for i, item := range v.Items() {
			items[i] = canonicalNumbers(item)
		}
		return value.Array(items...)
	case value.KindObject:
		members := append([]value.Member(nil), v.Members()...)
		for i := range members {
			members[i].Value = canonicalNumbers(members[i].Value)
		}
		return value.Distinct(members)
	}
	return v
}
