package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/store"
	"github.com/stepsleuth/stepsleuth/internal/store/sqlite"
	"github.com/stepsleuth/stepsleuth/internal/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Storm, func(t *testing.T, p store.Policy) func() storetest.Incidents {
		path := filepath.Join(t.TempDir(), "a ?b#c%41", "incidents.db")
		return func() storetest.Incidents { return open(t, path, sqlite.Options{Policy: p}) }
	})
}

func open(t *testing.T, path string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
