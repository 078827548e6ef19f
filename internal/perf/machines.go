package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// The peer is what people run today where they want no AWS account and no server.
const (
	peerName    = "aws-local-stepfunctions"
	peerVersion = "3.0.0"
)

// targets are how many times as many executions a second as the peer there are to be.
var targets = map[string]float64{
	"loop5000": 7, "map1000x5": 18, "payload200k": 24, "choice50": 100, "order_jsonpath": 20, "parallel_nested": 12, "pass10": 2,
}

// twinTarget is the least part of the speed of its JSONPath twin that a machine in
// JSONata has.
const twinTarget = 0.5

// machine is one machine and what was measured of it, a figure a round.
type machine struct {
	name        string
	transitions int
	ours, peers []sample
	differs     string // what the peer made of it, where that is not what AWS does
}

type sample struct {
	perSecond, p50, p99, megabytes float64
}

// measureMachines runs every machine of the folder, ours and the peer's in turn.
func (r *results) measureMachines() error {
	files, _ := filepath.Glob(filepath.Join(r.settings.shared, "machines", "*.asl.json"))
	if len(files) == 0 {
		r.lacks("%s has no machines: nothing was compared", r.settings.shared)
		return nil
	}
	for _, file := range files {
		r.machines = append(r.machines, machine{name: strings.TrimSuffix(filepath.Base(file), ".asl.json")})
	}
	peer := r.installPeer()
	for round := range r.settings.rounds {
		for i := range r.machines {
			if err := r.measureRound(&r.machines[i], peer); err != nil {
				return err
			}
		}
		fmt.Fprintf(os.Stderr, "perf: round %d of %d\n", round+1, r.settings.rounds)
	}
	return nil
}

// measureRound measures a machine once on either side.
func (r *results) measureRound(m *machine, peer bool) error {
	if err := r.measureOurs(m, filepath.Join(r.settings.shared, "machines", m.name)); err != nil {
		return err
	}
	if !peer || !m.comparable() {
		return nil
	}
	return r.measurePeer(m)
}

// comparable reports that the peer comes to an end that can be compared.
func (m *machine) comparable() bool { return m.differs == "" || len(m.peers) > 0 }

func (r *results) measureOurs(m *machine, base string) error {
	cmd := exec.Command(r.settings.bin, "bench", base+".asl.json", "--input", base+".input.json", "--expect", base+".expected.json",
		"--seconds", fmt.Sprint(r.settings.seconds))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("measure %s: %w", m.name, err)
	}
	var f struct {
		Transitions         int
		ExecutionsPerSecond float64
		P50Milliseconds     float64
		P99Milliseconds     float64
		PeakRSSMegabytes    float64
	}
	if err := json.Unmarshal(out, &f); err != nil {
		return fmt.Errorf("measure %s: %w", m.name, err)
	}
	m.transitions = f.Transitions
	m.ours = append(m.ours, sample{f.ExecutionsPerSecond, f.P50Milliseconds, f.P99Milliseconds, f.PeakRSSMegabytes})
	return nil
}

// installPeer has npm install the peer where it is not there yet.
func (r *results) installPeer() bool {
	if _, err := exec.LookPath("node"); err != nil {
		r.lacks("Node is not here: nothing was compared with %s", peerName)
		return false
	}
	dir := r.settings.peer
	if _, err := os.Stat(filepath.Join(dir, "node_modules", peerName)); err == nil {
		return true
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.lacks("the peer was not installed: %v", err)
		return false
	}
	cmd := exec.Command("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", dir, peerName+"@"+peerVersion)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		r.lacks("npm could not install %s %s (%v): nothing was compared with it", peerName, peerVersion, err)
		return false
	}
	return true
}

func (r *results) measurePeer(m *machine) error {
	dir, err := filepath.Abs(r.settings.peer)
	if err != nil {
		return err
	}
	cmd := exec.Command("node", filepath.Join(r.settings.shared, "run-node.mjs"), "--secs", fmt.Sprint(r.settings.seconds), "--c", "1", m.name)
	cmd.Env = append(os.Environ(), "PEER_NODE="+dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return errors.Join(fmt.Errorf("measure %s with the peer: %w", m.name, err), errors.New(stderr.String()))
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var f struct {
			Mismatch    string
			Unsupported string
			ExecS       float64 `json:"exec_s"`
			P50         float64 `json:"p50_ms"`
			P99         float64 `json:"p99_ms"`
			RSS         float64 `json:"rss_mb"`
		}
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			return fmt.Errorf("measure %s with the peer: %w", m.name, err)
		}
		if d := f.Mismatch + f.Unsupported; d != "" {
			m.differs = d
		}
		if f.ExecS > 0 {
			m.peers = append(m.peers, sample{f.ExecS, f.P50, f.P99, f.RSS})
		}
	}
	return lines.Err()
}

// median takes the middle of each figure on its own.
func median(list []sample) sample {
	pick := func(of func(sample) float64) float64 {
		figures := make([]float64, len(list))
		for i, s := range list {
			figures[i] = of(s)
		}
		return middle(figures)
	}
	return sample{
		perSecond: pick(func(s sample) float64 { return s.perSecond }),
		p50:       pick(func(s sample) float64 { return s.p50 }),
		p99:       pick(func(s sample) float64 { return s.p99 }),
		megabytes: pick(func(s sample) float64 { return s.megabytes }),
	}
}

func middle(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}

// ratio is how many times as many executions a second we make as the peer; 0 where
// nothing can be compared.
func (m *machine) ratio() float64 {
	if len(m.peers) == 0 {
		return 0
	}
	return median(m.ours).perSecond / median(m.peers).perSecond
}

// worst is the lowest ratio of any round.
func (m *machine) worst() float64 {
	low := 0.0
	for i := range min(len(m.ours), len(m.peers)) {
		if q := m.ours[i].perSecond / m.peers[i].perSecond; low == 0 || q < low {
			low = q
		}
	}
	return low
}

// twin finds the machine that does in JSONPath what m does in JSONata.
func (r *results) twin(m *machine) *machine {
	base, ok := strings.CutSuffix(m.name, "_jsonata")
	if !ok {
		return nil
	}
	for i := range r.machines {
		if name := r.machines[i].name; name == base || name == base+"_jsonpath" {
			return &r.machines[i]
		}
	}
	return nil
}
