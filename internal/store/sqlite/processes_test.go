package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/store/sqlite"
)

// claimantsFile, where it is set, makes the test program a process that claims.
const claimantsFile = "STEPSLEUTH_TEST_CLAIMANTS_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(claimantsFile); path != "" {
		claimAll(path)
		return
	}
	os.Exit(m.Run())
}

// claimAll claims 20 failures and prints how many it got.
func claimAll(path string) {
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	got := 0
	for n := 0; n < 20 && err == nil; n++ {
		d := delivery(fmt.Sprint("run-", n))
		d.Fingerprint = fmt.Sprint("fp1:", n)
		var mine bool
		if _, mine, err = s.Claim(context.Background(), d); mine {
			got++
		}
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(strings.Repeat("x", got)) // and no Close: a process may end any way it likes
}

func TestOfManyProcessesOneGetsEachFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "incidents.db")
	var mu sync.Mutex
	got := 0
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			c := exec.Command(os.Args[0])
			c.Env = append(os.Environ(), claimantsFile+"="+path)
			out, err := c.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			mu.Lock()
			defer mu.Unlock()
			got += strings.Count(string(out), "x")
		})
	}
	wg.Wait()
	if got != 20 {
		t.Errorf("the processes got %d failures, want 20", got)
	}
}

func BenchmarkClaim(b *testing.B) {
	s, err := sqlite.Open(context.Background(), filepath.Join(b.TempDir(), "incidents.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, _, err := s.Claim(context.Background(), delivery(fmt.Sprintf("%p %d", pb, b.N))); err != nil {
				b.Error(err)
			}
		}
	})
}
