package cli

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// BenchmarkRenderCheck measures render-check with all checks on a whole release
// against kustomize build alone, alternating, in processor time. The metric
// x-kustomize is the ratio: the machine's load cancels out.
func BenchmarkRenderCheck(b *testing.B) {
	root := os.Getenv("KFPREFLIGHT_KUBEFLOW")
	if root == "" {
		b.Skip("KFPREFLIGHT_KUBEFLOW does not name a folder with Kubeflow's releases")
	}
	platform := filepath.Join(root, "v1.10.2", "example")
	stderr := os.Stderr
	defer func() { os.Stderr = stderr }()
	os.Stderr, _ = os.Open(os.DevNull) // kustomize's warnings
	var theirs, ours time.Duration
	for b.Loop() {
		theirs += processor(b, func() {
			options := krusty.MakeDefaultOptions()
			options.Reorder = krusty.ReorderOptionUnspecified
			m, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), platform)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := m.AsYaml(); err != nil {
				b.Fatal(err)
			}
		})
		ours += processor(b, func() {
			if code := Main([]string{"render-check", "--no-config", platform}, strings.NewReader(""), io.Discard, io.Discard); code > 1 {
				b.Fatalf("exit code %d", code)
			}
		})
	}
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), "x-kustomize")
	b.ReportMetric(ours.Seconds()/float64(b.N), "cpu-s/op")
}

// processor is the processor time of this process that f takes.
func processor(b *testing.B, f func()) time.Duration {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	debug.SetGCPercent(100) // as a process starts
	runtime.GC()
	start := used()
	f()
	return used() - start
}
