package redact

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strings"
)

// zipped finds base64 of a gzip or zlib stream, as CloudWatch Logs sends its events,
// and conceals it where a secret is inside. What cannot be read to its end is judged
// by what could be read.
var zipped = &rule{anchors: []string{"h4si", "ej"}, find: func(sc *scan, start, _ int) {
	s := sc.s
	if start < sc.zipped || !wordStarts(s, start) || !strings.HasPrefix(s[start:], "H4sI") && !zlibBegins(s[start:]) {
		return
	}
	stop := wrappedRun(base64Set, s, start)
	if stop-start < minZipped {
		return
	}
	sc.zipped = stop
	sc.charge(stop - start)
	if plain := sc.unzip(decodeBase64(s[start:stop])); isText(plain) && sc.holdsSecret(plain) {
		sc.conceal(start, stop, Encoded)
	}
}}

// minZipped is the least base64 that is taken for a compressed text.
const minZipped = 40

// zlibBegins reports the two bytes that zlib streams begin with, at the usual levels.
func zlibBegins(s string) bool {
	if len(s) < 4 || s[0] != 'e' || s[1] != 'J' && s[1] != 'N' && s[1] != 'A' && s[1] != 'F' {
		return false
	}
	head, err := base64.StdEncoding.DecodeString(s[:4])
	return err == nil && (int(head[0])<<8|int(head[1]))%31 == 0
}

// maxUnzipped bounds what is unpacked of one stream, so that a small text cannot
// stand for a huge one.
const maxUnzipped = 1 << 20

// unzip unpacks as far as it goes.
func (sc *scan) unzip(packed string) string {
	var r io.Reader
	var err error
	if strings.HasPrefix(packed, "\x1f\x8b") {
		r, err = gzip.NewReader(strings.NewReader(packed))
	} else {
		r, err = zlib.NewReader(strings.NewReader(packed))
	}
	if err != nil {
		return ""
	}
	var plain bytes.Buffer
	n, _ := io.Copy(&plain, io.LimitReader(r, maxUnzipped)) // a stream that was cut still says much
	sc.charge(int(n))
	return plain.String()
}

// hexText conceals the hexadecimal digits at [start, end) where they are a text with
// a secret in it. Hashes and ids are not text.
func (sc *scan) hexText(start, end int) {
	s := sc.s
	if hexDigits.run(s[:end], start) < end || (end-start)%2 != 0 || !beginsHexText(s[start:]) {
		return
	}
	sc.charge(end - start)
	plain, err := hex.DecodeString(s[start:end])
	if err == nil && isText(string(plain)) && sc.holdsSecret(string(plain)) {
		sc.conceal(start, end, Encoded)
	}
}

// minHex is the least number of hexadecimal digits that are looked into.
const minHex = 2 * minEncoded

// beginsHexText reports whether the first four bytes are text.
func beginsHexText(s string) bool {
	head, err := hex.DecodeString(s[:8])
	for _, c := range head {
		if !isTextByte(c) {
			return false
		}
	}
	return err == nil
}
