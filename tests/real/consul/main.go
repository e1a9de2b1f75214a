// Command consul asks a Consul server, by Consul's own client, for what discovery asks it for, and prints the answers:
// the datacenter, the services with their tags, the instances of a service by tag and by filter, and what a blocking
// query tells that waits for an index.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/consul/api"
)

type answers struct {
	Datacenter string
	Services   map[string][]string
	Instances  []string
	Tagged     []string
	Filtered   []string
	// Whether a query that waited came back with another index.
	Moved bool
}

func places(entries []*api.ServiceEntry) []string {
	found := []string{}
	for _, entry := range entries {
		found = append(found, fmt.Sprintf("%s %s:%d %s", entry.Service.ID, entry.Service.Address, entry.Service.Port, entry.Checks.AggregatedStatus()))
	}
	return found
}

// ask takes the server, the token, a service, one of its tags and a filter.
func ask(server, token, service, tag, filter string) (*answers, error) {
	client, err := api.NewClient(&api.Config{Address: server, Token: token})
	if err != nil {
		return nil, err
	}
	self, err := client.Agent().Self()
	if err != nil {
		return nil, err
	}
	found := &answers{Datacenter: fmt.Sprint(self["Config"]["Datacenter"])}
	services, meta, err := client.Catalog().Services(&api.QueryOptions{AllowStale: true})
	if err != nil {
		return nil, err
	}
	found.Services = services
	options := &api.QueryOptions{AllowStale: true}
	all, _, err := client.Health().ServiceMultipleTags(service, nil, false, options)
	if err != nil {
		return nil, err
	}
	tagged, _, err := client.Health().ServiceMultipleTags(service, []string{tag}, false, options)
	if err != nil {
		return nil, err
	}
	filtered, _, err := client.Health().ServiceMultipleTags(service, nil, false, &api.QueryOptions{AllowStale: true, Filter: filter})
	if err != nil {
		return nil, err
	}
	found.Instances, found.Tagged, found.Filtered = places(all), places(tagged), places(filtered)
	// The test changes something once this is said.
	fmt.Fprintln(os.Stderr, "waiting")
	_, later, err := client.Catalog().Services(&api.QueryOptions{AllowStale: true, WaitIndex: meta.LastIndex, WaitTime: 20 * time.Second})
	if err != nil {
		return nil, err
	}
	found.Moved = later.LastIndex > meta.LastIndex
	return found, nil
}

func main() {
	found, err := ask(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(found)
}
