package rig

import "testing"

func TestQuartiles(t *testing.T) {
	for _, tc := range []struct {
		x    []float64
		want [3]float64
	}{
		{nil, [3]float64{}},
		{[]float64{7}, [3]float64{7, 7, 7}},
		{[]float64{4, 1}, [3]float64{1.75, 2.5, 3.25}},
		{[]float64{5, 1, 4, 2, 3}, [3]float64{2, 3, 4}},
	} {
		if got := Quartiles(tc.x); got != tc.want {
			t.Errorf("%v: %v, want %v", tc.x, got, tc.want)
		}
	}
}
