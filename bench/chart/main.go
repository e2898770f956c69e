// Command chart draws the results of the benchmarks: bars of us beside the peers,
// and lines of what grows.
//
//	go run ./bench/chart -peers bench/results/NAME-peers.json -growth bench/results/NAME-growth.json
//
// It writes peers.svg and growth.svg into bench/results, where bench/README.md
// shows them.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	peersFile := flag.String("peers", "", "result of the run beside the peers; none is drawn without it")
	growthFile := flag.String("growth", "", "result of bench/growth; none is drawn without it")
	dir := flag.String("dir", "bench/results", "directory of the pictures")
	flag.Parse()
	if *peersFile == "" && *growthFile == "" {
		log.Fatal("chart: nothing to draw: -peers FILE, -growth FILE")
	}
	var err error
	if *peersFile != "" {
		err = draw(*peersFile, filepath.Join(*dir, "peers.svg"), (*peers).svg)
	}
	if *growthFile != "" {
		err = errors.Join(err, draw(*growthFile, filepath.Join(*dir, "growth.svg"), (*growth).svg))
	}
	if err != nil {
		log.Fatal("chart: ", err)
	}
}

// draw makes a picture of a result.
func draw[T any](from, to string, svg func(*T) string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var result T
	if err := json.Unmarshal(text, &result); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return os.WriteFile(to, []byte(svg(&result)), 0o644)
}
