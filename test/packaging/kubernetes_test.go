//go:build e2e

package packaging

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

type built struct {
	deployment appsv1.Deployment
	service    corev1.Service
	account    corev1.ServiceAccount
	budget     policyv1.PodDisruptionBudget
	maps       map[string]corev1.ConfigMap
	monitor    struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
		Spec              struct {
			Selector  metav1.LabelSelector `json:"selector"`
			Endpoints []struct {
				Port     string `json:"port"`
				Interval string `json:"interval"`
			} `json:"endpoints"`
		} `json:"spec"`
	}
}

func tool(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"tool", "-modfile=packaging/tools/go.mod"}, args...)...)
	cmd.Dir = root
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, &errs)
	}
	return out
}

func build(t *testing.T, dir string) *built {
	t.Helper()
	b := &built{maps: map[string]corev1.ConfigMap{}}
	for doc := range bytes.SplitSeq(tool(t, "kustomize", "build", "packaging/kubernetes/"+dir), []byte("\n---\n")) {
		var head metav1.TypeMeta
		if err := yaml.Unmarshal(doc, &head); err != nil {
			t.Fatal(err)
		}
		m := new(corev1.ConfigMap)
		into, ok := map[string]any{
			"apps/v1 Deployment": &b.deployment, "v1 Service": &b.service, "v1 ServiceAccount": &b.account, "v1 ConfigMap": m,
			"policy/v1 PodDisruptionBudget": &b.budget, "monitoring.coreos.com/v1 ServiceMonitor": &b.monitor,
		}[head.APIVersion+" "+head.Kind]
		if !ok {
			t.Fatalf("%s: unexpected object %+v", dir, head)
		}
		if err := yaml.UnmarshalStrict(doc, into, yaml.DisallowUnknownFields); err != nil {
			t.Errorf("%s: %s: %v", dir, head.Kind, err)
		}
		if head.Kind == "ConfigMap" {
			b.maps[m.Name] = *m
		}
	}
	return b
}

func TestKubernetes(t *testing.T) {
	b := build(t, "base")
	pod := b.deployment.Spec.Template.Spec
	c := pod.Containers[0]
	corefile, orders := "", ""
	for _, v := range pod.Volumes {
		if v.ConfigMap != nil {
			m, ok := b.maps[v.ConfigMap.Name]
			if !ok {
				t.Errorf("no ConfigMap %s", v.ConfigMap.Name)
			}
			corefile, orders = corefile+m.Data["Corefile"], orders+m.Data["orders.yaml"]
		}
		if !slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == v.Name && m.SubPath == "" }) {
			t.Errorf("the volume %s is not mounted, or with subPath", v.Name)
		}
	}
	if base := filepath.Join(root, "packaging/kubernetes/base"); corefile != string(read(t, base, "Corefile")) || orders != string(read(t, base, "orders.yaml")) {
		t.Errorf("the pod has other files:\n%s\n%s", corefile, orders)
	}
	for _, p := range c.Ports {
		if want := map[string]string{"dns": ".:1053", "dns-tcp": ".:1053", "metrics": "prometheus :9153", "health": "health :8080", "ready": "ready :8181"}[p.Name]; !strings.Contains(corefile, want) || !strings.HasSuffix(want, ":"+fmt.Sprint(p.ContainerPort)) {
			t.Errorf("port %s %d is not in the Corefile", p.Name, p.ContainerPort)
		}
	}
	for _, p := range b.service.Spec.Ports {
		if !slices.ContainsFunc(c.Ports, func(q corev1.ContainerPort) bool { return q.Name == p.TargetPort.StrVal && q.Protocol == p.Protocol }) {
			t.Errorf("the service has the port %s, the pod does not", p.Name)
		}
	}
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe} {
		if name := probe.HTTPGet.Port.StrVal; !slices.ContainsFunc(c.Ports, func(q corev1.ContainerPort) bool { return q.Name == name }) {
			t.Errorf("a probe uses the unknown port %s", name)
		}
	}
	if b.account.Name != pod.ServiceAccountName {
		t.Errorf("service account %s, want %s", pod.ServiceAccountName, b.account.Name)
	}
	if s := c.SecurityContext; !*pod.SecurityContext.RunAsNonRoot || !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || !slices.Contains(s.Capabilities.Drop, "ALL") {
		t.Error("the container has privileges")
	}
	dockerfile := read(t, root, "Dockerfile")
	if want := "USER " + fmt.Sprint(int32(*pod.SecurityContext.RunAsUser)) + ":" + fmt.Sprint(int32(*pod.SecurityContext.RunAsGroup)); !bytes.Contains(dockerfile, []byte(want)) {
		t.Errorf("the Dockerfile has another user than %q", want)
	}
	// An empty selector selects all pods of the namespace.
	own := labels.Set(b.deployment.Spec.Template.Labels)
	for what, s := range map[string]*metav1.LabelSelector{
		"deployment": b.deployment.Spec.Selector, "disruption budget": b.budget.Spec.Selector,
		"topology": pod.TopologySpreadConstraints[0].LabelSelector, "service": {MatchLabels: b.service.Spec.Selector},
	} {
		checkSelector(t, what, s, own)
	}
}

func checkSelector(t *testing.T, what string, s *metav1.LabelSelector, own labels.Set) {
	t.Helper()
	sel, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if !sel.Matches(own) || sel.Matches(labels.Set{}) {
		t.Errorf("the selector %q of the %s does not select exactly the labels %s", sel, what, own)
	}
}

func TestServiceMonitor(t *testing.T) {
	b := build(t, "monitoring")
	checkSelector(t, "service monitor", &b.monitor.Spec.Selector, b.service.Labels)
	if e := b.monitor.Spec.Endpoints; len(e) != 1 || !slices.ContainsFunc(b.service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == e[0].Port }) {
		t.Errorf("endpoints %+v", e)
	}
}
