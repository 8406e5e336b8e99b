// One program that is four: kube-apiserver, kube-controller-manager, kube-scheduler and etcd.
//
// The first argument names the component; the rest are that component's own flags:
//
//	kubernetes kube-apiserver --etcd-servers=…
//
// The four share most of their code, so one link costs a quarter of the time and the disk of four.
// Nodes are played by eksprov itself, so there is neither kubelet nor kube-proxy here.
package main

import (
	"fmt"
	"os"
	_ "time/tzdata" // cron jobs may name a time zone, and the machine may have no zone files

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client metrics, as in the official binaries
	_ "k8s.io/component-base/metrics/prometheus/version"  // kubernetes_build_info
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

var components = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllers.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
}

func main() {
	if len(os.Args) < 2 {
		refuse("the first argument names the component")
	}
	name := os.Args[1]
	os.Args = append([]string{name}, os.Args[2:]...) // each component now sees its own command line
	if name == "etcd" {
		etcdmain.Main(os.Args)
		return
	}
	command, known := components[name]
	if !known {
		refuse(fmt.Sprintf("unknown component %q", name))
	}
	os.Exit(cli.Run(command()))
}

func refuse(reason string) {
	fmt.Fprintf(os.Stderr, "%s; one of: etcd, kube-apiserver, kube-controller-manager, kube-scheduler\n", reason)
	os.Exit(2)
}
