package store_test

import (
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/store"
	"github.com/stepsleuth/stepsleuth/internal/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, storetest.Storm, func(_ *testing.T, p store.Policy) func() storetest.Incidents {
		m := &store.Memory{Policy: p}
		return func() storetest.Incidents { return m }
	})
}
