package main

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden pictures anew; look at them")

// TestGolden draws testdata/*.json. The peers have a row without figures, a name
// that must be escaped, and a reload that lost queries.
func TestGolden(t *testing.T) {
	drawn := t.TempDir()
	for name, err := range map[string]error{
		"peers":  draw("testdata/peers.json", filepath.Join(drawn, "peers.svg"), (*peers).svg),
		"growth": draw("testdata/growth.json", filepath.Join(drawn, "growth.svg"), (*growth).svg),
	} {
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(drawn, name+".svg"))
		if err != nil {
			t.Fatal(err)
		}
		wellFormed(t, name, string(got))
		golden := filepath.Join("testdata", name+".svg")
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is drawn differently; if it is better now, go test ./bench/chart -update", golden)
		}
	}
}

func wellFormed(t *testing.T, name, text string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// TestNothing: a picture without figures has no coordinate that is no number.
func TestNothing(t *testing.T) {
	for name, svg := range map[string]string{"peers": new(peers).svg(), "growth": new(growth).svg()} {
		wellFormed(t, name, svg)
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%s: %s", name, svg)
		}
	}
}

func TestScales(t *testing.T) {
	for _, x := range []struct {
		name  string
		s     scale
		ticks []float64
		value float64
		at    float64
	}{
		{"linear", linear(0, 300, 4, 12.8), []float64{0, 5, 10, 15}, 5, 100},
		{"linear, one", linear(0, 100, 1), []float64{0, 0.2, 0.4, 0.6, 0.8, 1}, 1, 100},
		{"log", logScale(0, 300, 24, 1213), []float64{10, 100, 1000, 10000}, 100, 100},
		{"log, one value", logScale(0, 100, 1), []float64{1, 10}, 1, 0},
		{"log, downwards", logScale(200, 0, 1, 100), []float64{1, 10, 100}, 10, 100},
		{"log, too small", logScale(0, 100, 0, 10, 90), []float64{10, 100}, 0, 0},
	} {
		ticks := x.s.ticks()
		if !slices.EqualFunc(ticks, x.ticks, near) || !near(x.s.at(x.value), x.at) {
			t.Errorf("%s: ticks %v, %g at %g", x.name, ticks, x.value, x.s.at(x.value))
		}
	}
}

func near(a, b float64) bool { return a-b < 1e-6 && b-a < 1e-6 }
