// Package awsjson writes the structs of aws-sdk-go-v2 as the AWS JSON protocols
// have them on the wire. The SDK itself only reads outputs and writes inputs; this
// is for who answers as AWS does, or keeps what AWS answered.
package awsjson

import (
	"encoding/json"
	"reflect"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// Time appends a time as JSON.
type Time func(dst []byte, t time.Time) []byte

// Seconds is the wire's form: seconds since 1970, with milliseconds.
func Seconds(dst []byte, t time.Time) []byte {
	return strconv.AppendFloat(dst, float64(t.UnixMilli())/1000, 'f', 3, 64)
}

// Text is the form that the AWS CLI shows: RFC 3339, in UTC.
func Text(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, `"`+time.RFC3339Nano+`"`)
}

// Append appends v, one of the SDK's inputs, outputs or types. Members begin with a
// small letter; nil ones, and enumerations without a value, are left out; numbers and
// truth values that are no pointers are always there. A json.RawMessage is taken as it
// is. It panics where JSON has no word for a value, as no struct of the SDK makes it.
func Append(dst []byte, v any, times Time) []byte { return times.value(dst, reflect.ValueOf(v)) }

var (
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[json.RawMessage]()
)

func (times Time) value(dst []byte, v reflect.Value) []byte {
	switch v.Type() {
	case timeType:
		return times(dst, v.Interface().(time.Time))
	case rawType:
		return append(dst, v.Bytes()...)
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return times.value(dst, v.Elem())
	case reflect.Struct:
		return times.members(dst, v)
	case reflect.Slice:
		dst = append(dst, '[')
		for i := range v.Len() {
			dst = times.value(separate(dst, i), v.Index(i))
		}
		return append(dst, ']')
	case reflect.Int, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(dst, v.Int(), 10)
	case reflect.Bool:
		return strconv.AppendBool(dst, v.Bool())
	}
	text, err := json.Marshal(v.Interface()) // texts, fractions, and maps from texts to such
	if err != nil {
		panic(err)
	}
	return append(dst, text...)
}

func (times Time) members(dst []byte, v reflect.Value) []byte {
	dst = append(dst, '{')
	written := 0
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" || omitted(v.Field(i)) {
			continue
		}
		dst = append(separate(dst, written), '"')
		dst = append(append(dst, member(f.Name)...), `":`...)
		dst = times.value(dst, v.Field(i))
		written++
	}
	return append(dst, '}')
}

func omitted(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	}
	return false
}

func separate(dst []byte, written int) []byte {
	if written > 0 {
		return append(dst, ',')
	}
	return dst
}

// member is the name on the wire of a field.
func member(field string) string {
	first, size := utf8.DecodeRuneInString(field)
	return string(unicode.ToLower(first)) + field[size:]
}
