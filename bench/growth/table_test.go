package main

import "testing"

func TestTable(t *testing.T) {
	rep := report{Commit: "abc", Machine: "a machine", Date: "2026-01-15", Load: "0.1 0.2 0.3", Series: []series{
		{"orders", "orders", []point{{1, 99.6, 200, 2_300_000, 64.4, 60}}},
		{"blocks", "blocks", []point{{64, 0, 0, 41_000_000, 217, 160}}},
	}}
	const want = `2026-01-15, commit abc, a machine, load before 0.1 0.2 0.3.

| orders | miss, ns | hit, ns | heap, MB | load, ms | load, ms of CPU |
| --: | --: | --: | --: | --: | --: |
| 1 | 100 | 200 | 2.3 | 64 | 60 |

| blocks | RSS, MB | start to first block, ms | CPU, ms |
| --: | --: | --: | --: |
| 64 | 41 | 217 | 160 |

`
	if got := rep.table(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
