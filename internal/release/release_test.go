package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"testing"
	"time"
)

var made = time.Date(2026, 11, 22, 10, 15, 0, 0, time.UTC)

var entries = []entry{{"s_1/stepsleuth", 0o755, []byte("program")}, {"s_1/LICENSE", 0o644, bytes.Repeat([]byte("Apache "), 1000)}}

func TestATarHoldsWhatWasPacked(t *testing.T) {
	packed, err := tarred(entries, made)
	if again, _ := tarred(entries, made); err != nil || !bytes.Equal(packed, again) {
		t.Fatalf("%v; packed twice it differs: %v", err, !bytes.Equal(packed, again))
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	r := tar.NewReader(z)
	for _, want := range entries {
		h, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil || h.Name != want.name || h.FileInfo().Mode() != want.mode || !h.ModTime.Equal(made) || !bytes.Equal(data, want.data) {
			t.Errorf("%s %v %v, %d bytes, %v", h.Name, h.FileInfo().Mode(), h.ModTime, len(data), err)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the last: %v", err)
	}
}

func TestAZipHoldsWhatWasPacked(t *testing.T) {
	packed, err := zipped(entries, made)
	if again, _ := zipped(entries, made); err != nil || !bytes.Equal(packed, again) {
		t.Fatalf("%v; packed twice it differs: %v", err, !bytes.Equal(packed, again))
	}
	r, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil || len(r.File) != len(entries) {
		t.Fatal(err)
	}
	for i, want := range entries {
		f, err := r.File[i].Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f)
		if err != nil || r.File[i].Name != want.name || r.File[i].Mode() != want.mode || !r.File[i].Modified.Equal(made) || !bytes.Equal(data, want.data) {
			t.Errorf("%s %v %v, %d bytes, %v", r.File[i].Name, r.File[i].Mode(), r.File[i].Modified, len(data), err)
		}
	}
}

func TestTargets(t *testing.T) {
	got, err := parseTargets("linux/amd64, windows/arm64")
	if err != nil || len(got) != 2 || got[1] != (target{"windows", "arm64"}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := parseTargets("linux"); err == nil {
		t.Error("no processor, and no error")
	}
}
