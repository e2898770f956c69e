//go:build e2e

package packaging

import (
	"encoding/json"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestCompose(t *testing.T) {
	var project struct {
		Services map[string]struct {
			Build struct {
				Context, Dockerfile, DockerfileInline string
			}
			Ports []struct {
				Protocol, Published string
				Target              int
				HostIP              string `json:"host_ip"`
			}
			Volumes []struct {
				Type, Source, Target string
				ReadOnly             bool `json:"read_only"`
			}
			Networks map[string]*struct {
				IPv4 string `json:"ipv4_address"`
			}
			ReadOnly    bool     `json:"read_only"`
			CapDrop     []string `json:"cap_drop"`
			SecurityOpt []string `json:"security_opt"`
		}
		Networks map[string]struct {
			IPAM struct {
				Config []struct{ Subnet netip.Prefix }
			}
		}
		Volumes map[string]any
	}
	if err := json.Unmarshal(tool(t, "github.com/compose-spec/compose-go/v2/cmd", "-format", "json", "compose.yaml"), &project); err != nil {
		t.Fatal(err)
	}
	server, resolver := project.Services["blocklist"], project.Services["unbound"]
	corefile, conf := string(read(t, root, "packaging/compose/Corefile")), string(read(t, root, "packaging/compose/unbound.conf"))
	mounted := map[string]string{} // by source
	for _, s := range project.Services {
		for _, v := range s.Volumes {
			switch _, err := os.Stat(v.Source); {
			case v.Type == "bind" && (err != nil || !v.ReadOnly):
				t.Errorf("%s: %v, read-only %v", v.Source, err, v.ReadOnly)
			case v.Type == "volume" && project.Volumes[v.Source] == nil:
				t.Errorf("there is no volume %s", v.Source)
			}
			mounted[v.Target] = v.Source
		}
	}
	for _, path := range []string{"/etc/blocklist/orders", "/var/lib/blocklist"} {
		if mounted[path] == "" || !strings.Contains(corefile, path) {
			t.Errorf("%s is not mounted, or is not in the Corefile", path)
		}
	}
	dockerfile := string(read(t, root, "Dockerfile"))
	if mounted["/etc/blocklist/Corefile"] == "" || !strings.Contains(dockerfile, `CMD ["-conf", "/etc/blocklist/Corefile"]`) {
		t.Error("the image does not use the mounted Corefile")
	}
	if !server.ReadOnly || !slices.Equal(server.CapDrop, []string{"ALL"}) || !slices.Contains(server.SecurityOpt, "no-new-privileges:true") {
		t.Errorf("the server has privileges: %+v", server)
	}
	for _, p := range server.Ports {
		want := map[int]string{1053: ".:1053", 9153: "prometheus :9153"}[p.Target]
		if p.HostIP != "127.0.0.1" || want == "" || !strings.Contains(corefile, want) {
			t.Errorf("port %+v", p)
		}
	}
	if len(server.Ports) != 3 {
		t.Errorf("%d ports", len(server.Ports))
	}
	address, err := netip.ParseAddr(resolver.Networks["dns"].IPv4)
	subnet := project.Networks["dns"].IPAM.Config[0].Subnet
	if err != nil || !subnet.Contains(address) {
		t.Errorf("the address %s is not in the network %s (%v)", address, subnet, err)
	}
	for text, want := range map[string]string{corefile: "forward . " + address.String() + ":5353\n", conf: "access-control: " + subnet.String() + " allow\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if !strings.Contains(conf, "interface: 0.0.0.0@5353\n") {
		t.Error("unbound does not use port 5353")
	}
	if _, other := server.Networks["dns"]; !other {
		t.Error("the server is not in the network of the resolver")
	}
}
