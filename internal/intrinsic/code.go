package intrinsic

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// tooLong counts as Java does, in UTF-16 units.
func tooLong(s string) string {
	if len(s) <= maxChars {
		return ""
	}
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	if n <= maxChars {
		return ""
	}
	return fmt.Sprintf("more than %d characters", maxChars)
}

// shortText returns the string v, or what is wrong with it.
func shortText(v value.Value) (string, string) {
	s, ok := v.AsString()
	if !ok {
		return "", "the argument must be a string, not " + aKind(v)
	}
	return s, tooLong(s)
}

func base64Encode(_ *Call, _ Env, args []value.Value) (value.Value, string) {
	s, problem := shortText(args[0])
	if problem != "" {
		return value.Value{}, problem
	}
	return value.String(base64.StdEncoding.EncodeToString([]byte(s))), ""
}

func base64Decode(_ *Call, _ Env, args []value.Value) (value.Value, string) {
	s, problem := shortText(args[0])
	if problem != "" {
		return value.Value{}, problem
	}
	encoding := base64.StdEncoding
	if len(s)%4 != 0 { // Java's decoder does not insist on the padding
		encoding = base64.RawStdEncoding
	}
	b, err := encoding.DecodeString(s)
	if err != nil {
		return value.Value{}, "the argument is no Base64"
	}
	if !utf8.Valid(b) {
		b = []byte(string([]rune(string(b)))) // U+FFFD for what is no text
	}
	return value.String(string(b)), ""
}

func hashOf(_ *Call, _ Env, args []value.Value) (value.Value, string) {
	data, isString := args[0].AsString()
	if !isString {
		data = args[0].JSON()
	}
	if problem := tooLong(data); problem != "" {
		return value.Value{}, problem
	}
	algorithm, _ := args[1].AsString()
	sum := digest(algorithm, []byte(data))
	if sum == nil {
		return value.Value{}, "the algorithm must be MD5, SHA-1, SHA-256, SHA-384 or SHA-512"
	}
	return value.String(hex.EncodeToString(sum)), ""
}

func digest(algorithm string, data []byte) []byte {
	switch algorithm {
	case "MD5":
		sum := md5.Sum(data)
		return sum[:]
	case "SHA-1":
		sum := sha1.Sum(data)
		return sum[:]
	case "SHA-256":
		sum := sha256.Sum256(data)
		return sum[:]
	case "SHA-384":
		sum := sha512.Sum384(data)
		return sum[:]
	case "SHA-512":
		sum := sha512.Sum512(data)
		return sum[:]
	}
	return nil
}
