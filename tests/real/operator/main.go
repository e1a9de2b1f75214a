// Command operator prints the Prometheus configuration that prometheus-operator generates for ServiceMonitor and
// PodMonitor objects: a JSON list of them on standard input, YAML on standard output.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus-operator/prometheus-operator/pkg/assets"
	"github.com/prometheus-operator/prometheus-operator/pkg/operator"
	"github.com/prometheus-operator/prometheus-operator/pkg/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func generate() ([]byte, error) {
	var objects []json.RawMessage
	if err := json.NewDecoder(os.Stdin).Decode(&objects); err != nil {
		return nil, err
	}
	services := map[string]*monitoringv1.ServiceMonitor{}
	pods := map[string]*monitoringv1.PodMonitor{}
	for _, object := range objects {
		var kind metav1.TypeMeta
		if err := json.Unmarshal(object, &kind); err != nil {
			return nil, err
		}
		switch kind.Kind {
		case "ServiceMonitor":
			monitor := &monitoringv1.ServiceMonitor{}
			if err := json.Unmarshal(object, monitor); err != nil {
				return nil, err
			}
			services[monitor.Namespace+"/"+monitor.Name] = monitor
		case "PodMonitor":
			monitor := &monitoringv1.PodMonitor{}
			if err := json.Unmarshal(object, monitor); err != nil {
				return nil, err
			}
			pods[monitor.Namespace+"/"+monitor.Name] = monitor
		default:
			return nil, fmt.Errorf("kind %q is not a monitor", kind.Kind)
		}
	}
	role := monitoringv1.EndpointSliceRole
	server := &monitoringv1.Prometheus{
		ObjectMeta: metav1.ObjectMeta{Name: "tests", Namespace: "default"},
		Spec: monitoringv1.PrometheusSpec{CommonPrometheusFields: monitoringv1.CommonPrometheusFields{
			Version:              operator.DefaultPrometheusVersion,
			ServiceDiscoveryRole: &role,
		}},
	}
	generator, err := prometheus.NewConfigGenerator(nil, server, prometheus.WithEndpointSliceSupport())
	if err != nil {
		return nil, err
	}
	store := assets.NewTestStoreBuilder()
	return generator.GenerateServerConfiguration(server, services, pods, nil, nil, store, nil, nil, nil, nil)
}

func main() {
	config, err := generate()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.Write(config)
}
