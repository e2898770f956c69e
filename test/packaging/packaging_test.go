//go:build e2e

// Package packaging tests the files of the folder packaging that no installed program
// checks.
package packaging

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"

	_ "github.com/coredns/coredns/core/plugin"
	_ "github.com/dns-orders/blocklist"
	"github.com/dns-orders/blocklist/test/coredns"
	"github.com/dns-orders/blocklist/test/port"
	"github.com/miekg/dns"
)

const root = "../.."

func TestMain(m *testing.M) {
	coredns.Prepare()
	os.Exit(m.Run())
}

// TestCorefiles starts CoreDNS with each Corefile of the packages. An order in the
// directory of the orders must be in force. Only paths, ports and upstream servers are
// changed.
func TestCorefiles(t *testing.T) {
	for _, path := range []string{"debian/root/etc/blocklist/Corefile", "container/Corefile", "compose/Corefile", "kubernetes/base/Corefile"} {
		t.Run(path, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(root, "packaging", path))
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			orders := "version: 1\norders: [{id: a, authority: {name: A}, scope: global, targets: [blocked.example]}]\n"
			if err := os.WriteFile(filepath.Join(dir, "orders.yaml"), []byte(orders), 0o600); err != nil {
				t.Fatal(err)
			}
			corefile := replace(t, string(text), map[string]string{
				`/etc/blocklist/orders`:    dir,
				`/var/lib/blocklist`:       t.TempDir(),
				`\.:1053`:                  ".:0",
				`forward \. [^\n]*`:        "forward . 127.0.0.1:" + free(t),
				`prometheus [0-9.]*:9153`:  "prometheus 127.0.0.1:" + free(t),
				`(?m)^    bind [^\n]*\n|$`: "",
			}, map[string]string{
				`ready :8181`:  "ready 127.0.0.1:" + free(t),
				`health :8080`: "health 127.0.0.1:" + free(t),
				`lameduck 5s`:  "lameduck 0s",
			})
			inst := coredns.Start(t, strings.Replace(corefile, "{\n", "{\n    bind 127.0.0.1\n", 1))
			m, err := dns.Exchange(new(dns.Msg).SetQuestion("blocked.example.", dns.TypeA), inst.Servers()[0].LocalAddr().String())
			if err != nil || m.Rcode != dns.RcodeNameError {
				t.Errorf("%v, %v", m, err)
			}
		})
	}
}

// replace replaces patterns of a text. Each pattern of needed must match.
func replace(t *testing.T, text string, needed, optional map[string]string) string {
	t.Helper()
	for pattern, with := range needed {
		re := regexp.MustCompile(pattern)
		if !re.MatchString(text) {
			t.Fatalf("no %q in\n%s", pattern, text)
		}
		text = re.ReplaceAllLiteralString(text, with)
	}
	for pattern, with := range optional {
		text = regexp.MustCompile(pattern).ReplaceAllLiteralString(text, with)
	}
	return text
}

func free(t *testing.T) string {
	t.Helper()
	p, err := port.Free()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestKubernetes decodes the files of the base with the types of the Kubernetes API, and
// refuses unknown fields. The names in the files must fit together.
func TestKubernetes(t *testing.T) {
	base := filepath.Join(root, "packaging/kubernetes/base")
	var (
		deployment appsv1.Deployment
		service    corev1.Service
		account    corev1.ServiceAccount
		budget     policyv1.PodDisruptionBudget
		list       struct {
			Resources          []string
			ConfigMapGenerator []struct {
				Name  string
				Files []string
			}
		}
	)
	for name, into := range map[string]any{"deployment": &deployment, "service": &service, "serviceaccount": &account, "poddisruptionbudget": &budget} {
		if err := yaml.UnmarshalStrict(read(t, base, name+".yaml"), into, yaml.DisallowUnknownFields); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := yaml.Unmarshal(read(t, base, "kustomization.yaml"), &list); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(base, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	maps := map[string][]string{}
	used := []string{"kustomization.yaml"}
	for _, m := range list.ConfigMapGenerator {
		maps[m.Name] = m.Files
		used = append(used, m.Files...)
	}
	for _, f := range files {
		if name := filepath.Base(f); !slices.Contains(append(used, list.Resources...), name) {
			t.Errorf("kustomization.yaml does not list %s", name)
		}
	}

	pod := deployment.Spec.Template.Spec
	c := pod.Containers[0]
	corefile := string(read(t, base, "Corefile"))
	for _, p := range c.Ports {
		if want := map[string]string{"dns": ".:1053", "dns-tcp": ".:1053", "metrics": "prometheus :9153", "health": "health :8080", "ready": "ready :8181"}[p.Name]; !strings.Contains(corefile, want) || !strings.HasSuffix(want, ":"+fmt.Sprint(p.ContainerPort)) {
			t.Errorf("port %s %d is not in the Corefile", p.Name, p.ContainerPort)
		}
	}
	for _, p := range service.Spec.Ports {
		if !slices.ContainsFunc(c.Ports, func(q corev1.ContainerPort) bool { return q.Name == p.TargetPort.StrVal && q.Protocol == p.Protocol }) {
			t.Errorf("the service has the port %s, the pod does not", p.Name)
		}
	}
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe} {
		if name := probe.HTTPGet.Port.StrVal; !slices.ContainsFunc(c.Ports, func(q corev1.ContainerPort) bool { return q.Name == name }) {
			t.Errorf("a probe uses the unknown port %s", name)
		}
	}
	for _, v := range pod.Volumes {
		if v.ConfigMap != nil && maps[v.ConfigMap.Name] == nil {
			t.Errorf("no ConfigMap %s", v.ConfigMap.Name)
		}
		if !slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == v.Name && m.SubPath == "" }) {
			t.Errorf("the volume %s is not mounted, or with subPath", v.Name)
		}
	}
	if account.Name != pod.ServiceAccountName {
		t.Errorf("service account %s, want %s", pod.ServiceAccountName, account.Name)
	}
	if s := c.SecurityContext; !*pod.SecurityContext.RunAsNonRoot || !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || !slices.Contains(s.Capabilities.Drop, "ALL") {
		t.Error("the container has privileges")
	}
	dockerfile := read(t, root, "Dockerfile")
	if want := "USER " + fmt.Sprint(int32(*pod.SecurityContext.RunAsUser)) + ":" + fmt.Sprint(int32(*pod.SecurityContext.RunAsGroup)); !bytes.Contains(dockerfile, []byte(want)) {
		t.Errorf("the Dockerfile has another user than %q", want)
	}
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
