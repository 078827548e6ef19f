package functions

import (
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/lambdart"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Close ends the processes of functions that run here, and waits for them.
func (s *Set) Close() error {
	if s == nil {
		return nil
	}
	var errs []error
	for _, host := range s.hosts {
		errs = append(errs, host.Close())
	}
	return errors.Join(errs...)
}

// Logs returns what functions that run here logged for one request, or with no
// request id for all that are still held, oldest first.
func (s *Set) Logs(function, requestID string) []lambdart.Line {
	return s.gather(func(h *lambdart.Host) []lambdart.Line { return h.Logs(function, requestID) })
}

// LogsBetween returns what a function that runs here logged from one time up to another.
func (s *Set) LogsBetween(function string, from, to time.Time) []lambdart.Line {
	return s.gather(func(h *lambdart.Host) []lambdart.Line { return h.LogsBetween(function, from, to) })
}

func (s *Set) gather(lines func(*lambdart.Host) []lambdart.Line) []lambdart.Line {
	if s == nil {
		return nil
	}
	var all []lambdart.Line
	for _, host := range s.hosts {
		all = append(all, lines(host)...)
	}
	slices.SortStableFunc(all, func(a, b lambdart.Line) int { return a.Time.Compare(b.Time) })
	return all
}

// processMembers are the members of a process in the order of the documentation, by
// the fields of lambdart.Function.
var processMembers = map[string]string{
	"Runtime": "runtime", "Code": "code", "Handler": "handler", "Timeout": "timeoutSeconds",
	"MemoryMB": "memoryMB", "Environment": "environment", "Concurrency": "concurrency",
}

// runs runs the function itself. Each outcome has a host of its own, for a list of
// outcomes may run different code under one name, and takes whatever name it is
// called by.
func (p *parser) runs(pointer string, v value.Value) (outcome, error) {
	f, err := p.function(pointer, v)
	if err != nil {
		return nil, err
	}
	var problem *lambdart.Problem
	if err := f.Check(); errors.As(err, &problem) {
		return nil, p.errorf(p.blame(pointer, v, problem), "%s", problem.Text)
	}
	host := &lambdart.Host{Functions: map[string]lambdart.Function{lambdart.Any: f}}
	p.hosts = append(p.hosts, host)
	return host.Invoke, nil
}

// blame points to the member that has a problem, or to the whole where it is missing.
func (p *parser) blame(pointer string, v value.Value, problem *lambdart.Problem) string {
	member := processMembers[problem.Field]
	if _, ok := v.Get(member); !ok {
		return pointer
	}
	pointer += "/" + member
	if problem.Key != "" {
		pointer += "/" + escape(problem.Key)
	}
	return pointer
}

func (p *parser) function(pointer string, v value.Value) (lambdart.Function, error) {
	var f lambdart.Function
	var errs [6]error
	f.Runtime, errs[0] = p.word(pointer, v, "runtime")
	f.Code, errs[1] = p.word(pointer, v, "code")
	if _, ok := v.Get("handler"); ok {
		f.Handler, errs[2] = p.word(pointer, v, "handler")
	}
	f.MemoryMB, errs[3] = p.count(pointer, v, "memoryMB")
	f.Concurrency, errs[4] = p.count(pointer, v, "concurrency")
	f.Environment, errs[5] = p.environment(pointer, v)
	for _, err := range errs {
		if err != nil {
			return f, err
		}
	}
	if !filepath.IsAbs(f.Code) {
		f.Code = filepath.Join(filepath.Dir(p.file), f.Code)
	}
	return p.timeout(f, pointer, v)
}

func (p *parser) word(pointer string, v value.Value, member string) (string, error) {
	val, ok := v.Get(member)
	if !ok {
		return "", p.errorf(pointer, `a process needs its %s, as {"type": "process", "runtime": "python3.13", "code": "src", "handler": "app.handler"}`, member)
	}
	s, ok := val.AsString()
	if !ok || s == "" {
		return "", p.errorf(pointer+"/"+member, "%s is a string that says something; this is %s", member, val)
	}
	return s, nil
}

// count reads a whole number of at least 1; 0 stands for a member that is not there.
func (p *parser) count(pointer string, v value.Value, member string) (int, error) {
	val, ok := v.Get(member)
	if !ok {
		return 0, nil
	}
	n, ok := val.AsFloat()
	if !ok || n < 1 || n > 1<<20 || n != float64(int(n)) {
		return 0, p.errorf(pointer+"/"+member, "%s is a whole number of at least 1; this is %s", member, val)
	}
	return int(n), nil
}

func (p *parser) timeout(f lambdart.Function, pointer string, v value.Value) (lambdart.Function, error) {
	val, ok := v.Get("timeoutSeconds")
	if !ok {
		return f, nil
	}
	seconds, ok := val.AsFloat()
	if !ok || seconds <= 0 || seconds > 900 {
		return f, p.errorf(pointer+"/timeoutSeconds", "timeoutSeconds is more than 0 and at most 900; this is %s", val)
	}
	f.Timeout = time.Duration(seconds * float64(time.Second))
	return f, nil
}

func (p *parser) environment(pointer string, v value.Value) (map[string]string, error) {
	val, ok := v.Get("environment")
	if !ok {
		return nil, nil
	}
	pointer += "/environment"
	if val.Kind() != value.KindObject {
		return nil, p.errorf(pointer, "environment is an object of strings by name; this is %s", val.Kind().WithArticle())
	}
	env := make(map[string]string, val.Len())
	for _, m := range val.Members() {
		s, ok := m.Value.AsString()
		if !ok {
			return nil, p.errorf(pointer+"/"+escape(m.Key), "an environment variable is a string; this is %s", m.Value.Kind().WithArticle())
		}
		env[m.Key] = s
	}
	return env, nil
}
