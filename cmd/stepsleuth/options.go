package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"golang.org/x/term"
)

// options are the flags that every verb takes.
type options struct {
	format  string
	quiet   bool
	noColor bool
	model   string
	region  string
	file    string

	config config // of the file
	stderr *guarded
}

const (
	formatText     = "text"
	formatMarkdown = "markdown"
	formatJSON     = "json"
)

func (o *options) register(f *pflag.FlagSet) {
	f.StringVar(&o.format, "format", formatText, "how to print a report: text, markdown or json")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print data only: no progress and no notes on stderr")
	f.BoolVar(&o.noColor, "no-color", false, "no colour, also on a terminal (NO_COLOR does the same)")
	f.StringVar(&o.model, "model", os.Getenv("STEPSLEUTH_MODEL"),
		"ask a model besides the rules: "+modelForms+" (default none; STEPSLEUTH_MODEL)")
	f.StringVar(&o.file, "config", os.Getenv("STEPSLEUTH_CONFIG"), "configuration file (default "+configFile+" in this folder, if it is there; STEPSLEUTH_CONFIG)")
	f.StringVar(&o.region, "region", "", "AWS region of the model (default from the AWS environment)")
}

func (o *options) check() error {
	if formats := []string{formatText, formatMarkdown, formatJSON}; !slices.Contains(formats, o.format) {
		return fmt.Errorf("--format %s: it is one of %s", o.format, strings.Join(formats, ", "))
	}
	var err error
	if o.config, err = readConfig(o.file); err != nil {
		return err
	}
	o.stderr.heed(o.config.Redact)
	if o.model == "" {
		o.model = o.config.Model
	}
	if o.region == "" {
		o.region = o.config.Region
	}
	return checkModel(o.model)
}

// note says something that is not data.
func (o *options) note(w io.Writer, format string, args ...any) {
	if !o.quiet {
		fmt.Fprintf(w, format+"\n", args...)
	}
}

// print writes the document in the format asked for.
func (o *options) print(w io.Writer, doc report.Document) error {
	switch o.format {
	case formatJSON:
		return report.JSON(w, doc)
	case formatMarkdown:
		return report.Markdown(w, doc)
	}
	return report.Text(w, doc, o.style(w))
}

// style is colour and the window's width on a terminal, and neither elsewhere.
func (o *options) style(w io.Writer) report.Style {
	var style report.Style
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return style
	}
	style.Color = !o.noColor && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if width, _, err := term.GetSize(int(file.Fd())); err == nil {
		style.Width = width
	}
	return style
}

// printIndented writes v as JSON for people and programs, or nothing of it.
func printIndented(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}
