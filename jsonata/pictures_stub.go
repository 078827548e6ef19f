package jsonata

import "github.com/stepsleuth/stepsleuth/internal/value"

func formatNumber(*run, []value.Value, value.Value) (value.Value, error)  { return value.Value{}, nil }
func formatInteger(*run, []value.Value, value.Value) (value.Value, error) { return value.Value{}, nil }
func parseInteger(*run, []value.Value, value.Value) (value.Value, error)  { return value.Value{}, nil }
func toMillis(*run, []value.Value, value.Value) (value.Value, error)      { return value.Value{}, nil }
func fromMillis(*run, []value.Value, value.Value) (value.Value, error)    { return value.Value{}, nil }
func now(*run, []value.Value, value.Value) (value.Value, error)           { return value.Value{}, nil }
func millis(*run, []value.Value, value.Value) (value.Value, error)        { return value.Value{}, nil }
