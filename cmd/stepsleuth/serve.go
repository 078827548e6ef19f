package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/spf13/cobra"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/functions"
	"github.com/stepsleuth/stepsleuth/internal/oncall"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/internal/topics"
	"github.com/stepsleuth/stepsleuth/sfnlocal"
)

type serveFlags struct {
	addr      string
	functions string
	sns       string
	virtual   bool
	silent    bool
	account   string
	awsRegion string
	running   int
	remember  int
	seed      uint64
}

func serveCommand(o *options) *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Answer the Step Functions API on this machine",
		Long: `serve answers the API of AWS Step Functions, for AWS's own clients and Terraform: state
machines are created, executions run here, their histories are read. Lambda functions
behave as the file of --functions says, or run where it says. Notifications go to the
SNS, or what stands in for it, at --sns. All is kept in memory and gone when serve ends.
Executions that fail are diagnosed as they end.

Requests are answered whoever signed them, so keep to a loopback address.`,
		Example: `  stepsleuth serve --functions functions.json
  export AWS_ENDPOINT_URL_SFN=http://127.0.0.1:8083 AWS_DISABLE_HOST_PREFIX_INJECTION=true
  aws stepfunctions list-state-machines`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return serve(c, o, f) },
	}
	c.Flags().StringVar(&f.addr, "addr", "127.0.0.1:8083", "address to listen on; port 0 takes a free one")
	c.Flags().StringVar(&f.functions, "functions", "", "file that says how Lambda functions behave")
	c.Flags().StringVar(&f.sns, "sns", os.Getenv("AWS_ENDPOINT_URL_SNS"), "URL of the Amazon SNS, or a stand-in, that sns:publish publishes to (AWS_ENDPOINT_URL_SNS)")
	c.Flags().BoolVar(&f.virtual, "virtual-time", false, "let waits and retries take no time")
	c.Flags().BoolVar(&f.silent, "no-diagnosis", false, "do not diagnose executions that fail")
	c.Flags().StringVar(&f.account, "account", "123456789012", "account in ARNs")
	c.Flags().StringVar(&f.awsRegion, "aws-region", "us-east-1", "region in ARNs")
	c.Flags().IntVar(&f.running, "max-running", 1000, "executions that may run at the same time")
	c.Flags().IntVar(&f.remember, "remember", 10_000, "executions that are remembered after their end")
	c.Flags().Uint64Var(&f.seed, "seed", 0, "decides what is left to chance: names, tokens, jitter, random numbers (default another each time)")
	return c
}

func serve(c *cobra.Command, o *options, f serveFlags) error {
	var set *functions.Set
	if f.functions != "" {
		text, err := readFile(f.functions, "functions file", c.InOrStdin(), maxFunctions)
		if err != nil {
			return err
		}
		if set, err = functions.Parse(label(f.functions), text); err != nil {
			return err
		}
		defer set.Close()
	}
	tasks := functionTasks(set, engine.LambdaHandler{Invoke: set.Invoke})
	if f.sns != "" {
		if err := f.publishing(c.Context(), tasks); err != nil {
			return err
		}
	}
	s := &sfnlocal.Server{
		Tasks: tasks, AccountID: f.account, Region: f.awsRegion, Seed: f.seed,
		Limits: sfnlocal.Limits{Running: f.running, Ended: f.remember},
	}
	if f.virtual {
		s.Clock = engine.VirtualClock(time.Time{})
	}
	if !f.silent {
		r, err := newResponder(c.Context(), o)
		if err != nil {
			return err
		}
		w := &watcher{ctx: context.WithoutCancel(c.Context()), options: o, responder: r, stdout: c.OutOrStdout(), stderr: c.ErrOrStderr()}
		s.Ended = w.ended
	}
	return listen(c, o, f.addr, s)
}

// publishing has sns:publish answered by the SNS at --sns. Credentials are the
// environment's; a stand-in takes any.
func (f serveFlags) publishing(ctx context.Context, tasks engine.TaskMux) error {
	if u, err := url.Parse(f.sns); err != nil || u.Scheme == "" || u.Host == "" {
		return fmt.Errorf("--sns %s: it is a URL such as http://127.0.0.1:4566", f.sns)
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(f.awsRegion))
	if err != nil {
		return fmt.Errorf("--sns %s: %w", f.sns, err)
	}
	publish := engine.SNSHandler{Publish: topics.Publisher(sns.NewFromConfig(aws, func(o *sns.Options) { o.BaseEndpoint = &f.sns }))}
	for _, partition := range partitions {
		tasks["arn:"+partition+":states:::sns:publish"] = publish
	}
	return nil
}

// listen serves until the command is interrupted.
func listen(c *cobra.Command, o *options, addr string, s *sfnlocal.Server) error {
	l, err := new(net.ListenConfig).Listen(c.Context(), "tcp", addr)
	if err != nil {
		return fmt.Errorf("--addr %s: %w", addr, err)
	}
	if host, ok := l.Addr().(*net.TCPAddr); ok && !host.IP.IsLoopback() {
		o.note(c.ErrOrStderr(), "warning: %s can be reached from other machines, and requests are answered whoever sent them", l.Addr())
	}
	o.note(c.ErrOrStderr(), "listening on http://%s", l.Addr())
	web := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(c.Context(), func() {
		s.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		web.Shutdown(ctx)
	})
	defer stop()
	if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}

// watcher says why executions failed, one after the other.
type watcher struct {
	ctx       context.Context
	options   *options
	responder *oncall.Responder
	stdout    io.Writer
	stderr    io.Writer
	mu        sync.Mutex
}

func (w *watcher) ended(x *history.Execution, m *asl.Machine) {
	if x.Status == history.Succeeded || x.Status == history.Aborted && x.Error == nil {
		return // aborted without a word: serve ends, or somebody wanted it so
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	doc, err := examine(w.ctx, w.responder, diagnose.NewCase(m, x), report.Options{History: "HISTORY"})
	if err == nil {
		err = w.options.print(w.stdout, doc)
	}
	if err != nil {
		w.options.note(w.stderr, "%s: no diagnosis: %v", x.ARN, err)
	}
}
