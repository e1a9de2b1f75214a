//go:build tools

// Package tools names the programs that ./tests/run real builds; go.mod and go.sum pin them.
package tools

import (
	_ "github.com/prometheus/prometheus/cmd/prometheus"
	_ "github.com/prometheus/prometheus/cmd/promtool"
)
