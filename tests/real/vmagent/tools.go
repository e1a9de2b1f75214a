//go:build tools

// Package tools names the program that ./tests/run real builds; go.mod and go.sum pin it.
package tools

import _ "github.com/VictoriaMetrics/VictoriaMetrics/app/vmagent"
