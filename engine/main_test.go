package engine_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails where a test, or an execution in it, leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
