package awscloud

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// appendWire appends one of the SDK's structs as the API writes it, so that package
// history reads it like any saved history: members begin with a small letter, what is
// nil or empty is left out, times are as the AWS CLI shows them.
func appendWire(dst []byte, v any) []byte { return appendValue(dst, reflect.ValueOf(v)) }

var timeType = reflect.TypeFor[time.Time]()

func appendValue(dst []byte, v reflect.Value) []byte {
	if v.Type() == timeType {
		return v.Interface().(time.Time).UTC().AppendFormat(dst, `"`+time.RFC3339Nano+`"`)
	}
	switch v.Kind() {
	case reflect.Pointer:
		return appendValue(dst, v.Elem())
	case reflect.Struct:
		return appendStruct(dst, v)
	case reflect.Slice:
		dst = append(dst, '[')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, v.Index(i))
		}
		return append(dst, ']')
	case reflect.Int, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(dst, v.Int(), 10)
	case reflect.Bool:
		return strconv.AppendBool(dst, v.Bool())
	}
	text, _ := json.Marshal(v.Interface()) // texts, and maps of texts: cannot fail
	return append(dst, text...)
}

func appendStruct(dst []byte, v reflect.Value) []byte {
	dst = append(dst, '{')
	first := true
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" || absent(v.Field(i)) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(append(dst, '"'), lowerFirst(f.Name)...), `":`...)
		dst = appendValue(dst, v.Field(i))
	}
	return append(dst, '}')
}

// absent: enumerations are texts and are left out where they are empty; numbers and
// truth values that are no pointers are always there.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	}
	return false
}

func lowerFirst(s string) string {
	return string(unicode.ToLower(rune(s[0]))) + strings.Clone(s[1:])
}
