package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// jobReport is what a cause says of work that a service ran and that failed.
type jobReport struct {
	service string   // as in integration.service
	noun    string   // "the Batch job LandsatTask"
	name    string   // for commands
	status  string   // FAILED, TIMEOUT, STOPPED …
	reason  string   // the service's words
	code    string   // its stop code or error class
	exit    string   // exit code of a container; "" none
	who     string   // container or phase
	logs    string   // where its log is
	look    []string // commands that show more
	docs    []string
}

// readers find reports of jobs in a JSON cause, one a service.
var readers = []func(*facts) *jobReport{ecsReport, batchReport, glueReport, athenaReport, emrReport, emrServerlessReport, sagemakerReport, codebuildReport, otherReport}

// job returns the report in f's cause, or nil.
func (f *facts) job() *jobReport { return f.once.job() }

func (f *facts) readJob() *jobReport {
	if f.root.Shape != diagnose.JSONCause {
		return nil
	}
	for _, read := range readers {
		if r := read(f); r != nil {
			return r
		}
	}
	return nil
}

func (f *facts) reportsJob() bool { return f.job() != nil }

// get is a member of the cause, by either spelling of its first letter.
func (f *facts) get(path ...string) string {
	if s := f.root.Get(path...); s != "" {
		return s
	}
	other := make([]string, len(path))
	for i, p := range path {
		other[i] = strings.ToLower(p[:1]) + p[1:]
	}
	return f.root.Get(other...)
}

func (f *facts) has(path ...string) bool {
	return f.root.Has(path...) || f.get(path...) != ""
}

// jobRule makes a rule for the reports of one service.
func jobRule(name, doc, service string) *diagnose.Rule {
	return &diagnose.Rule{Name: name, Doc: doc, Check: one(func(f *facts) *diagnose.Finding {
		r := f.job()
		if r == nil || r.service != service {
			return nil
		}
		return f.jobFailed(r)
	})}
}

// The rules for jobs that a service reports as failed.
var (
	ECSTask       = jobRule("ecs-task", "An ECS or Fargate task stopped or did not start: stopped reason, exit code, image, memory, capacity.", "ecs")
	BatchJob      = jobRule("batch-job", "A Batch job failed: exit code, reason, attempts, log stream.", "batch")
	GlueJob       = jobRule("glue-job", "A Glue job run failed: error message, category, state.", "glue")
	AthenaQuery   = jobRule("athena-query", "An Athena query failed: syntax, missing table or column, access, resources.", "athena")
	EMRStep       = jobRule("emr-step", "An EMR step or cluster failed: failure details, state change reason.", "elasticmapreduce")
	EMRServerless = jobRule("emr-serverless", "An EMR Serverless or EMR on EKS job run failed.", "emr-serverless")
	SageMakerJob  = jobRule("sagemaker-job", "A SageMaker job failed: algorithm, data, capacity, role.", "sagemaker")
	BuildFailed   = jobRule("codebuild-build", "A CodeBuild build failed: the phase and its message.", "codebuild")
	JobFailed     = jobRule("job-failed", "Another service reports in JSON that work it ran has failed.", "other")
)

func ecsReport(f *facts) *jobReport {
	if reason := f.get("Failures", "0", "Reason"); reason != "" {
		return &jobReport{service: "ecs", noun: "the ECS task", status: "not placed", reason: reason + " " + f.get("Failures", "0", "Detail"), code: strings.ToUpper(reason),
			look: []string{"aws ecs describe-clusters --clusters CLUSTER --include STATISTICS"}, docs: []string{"Amazon ECS API failure reasons"}}
	}
	if !f.has("StoppedReason") && !(f.has("Containers") && f.has("TaskArn")) && !f.has("TaskDefinitionArn") {
		return nil
	}
	r := &jobReport{service: "ecs", noun: "the ECS task", status: f.get("StopCode"), reason: f.get("StoppedReason"), code: f.get("StopCode"), logs: "the log stream of the container (awslogs-stream-prefix/CONTAINER/TASK_ID)",
		docs: []string{"Amazon ECS stopped tasks error messages", "Manage Amazon ECS or Fargate tasks with Step Functions"}}
	if m := taskDefinition.FindStringSubmatch(f.get("TaskDefinitionArn")); m != nil {
		r.noun += " of the task definition " + m[1]
	}
	for i := range f.root.Len("Containers") {
		n := strconv.Itoa(i)
		exit, reason := f.get("Containers", n, "ExitCode"), f.get("Containers", n, "Reason")
		if exit == "0" && reason == "" {
			continue
		}
		if r.exit == "" || r.exit == "0" {
			r.exit = exit
			r.who = f.get("Containers", n, "Name")
		}
		if reason != "" && !strings.Contains(r.reason, reason) {
			r.reason = strings.TrimSpace(reason + ". " + r.reason)
		}
	}
	cluster, task := f.get("ClusterArn"), f.get("TaskArn")
	if looksLikeName(cluster) && looksLikeName(task) && task != "" {
		r.look = []string{"aws ecs describe-tasks --cluster " + cluster + " --tasks " + task}
	}
	return r
}

func batchReport(f *facts) *jobReport {
	if !f.has("Attempts") && !(f.has("JobQueue") && f.has("JobDefinition")) && !(f.has("JobName") && f.has("StatusReason")) {
		return nil
	}
	r := &jobReport{service: "batch", noun: "the Batch job", status: f.get("Status"), reason: f.get("StatusReason"), name: f.get("JobName"), exit: f.get("Container", "ExitCode"),
		docs: []string{"Troubleshooting AWS Batch", "Run AWS Batch workloads with Step Functions"}}
	if looksLikeName(r.name) && r.name != "" {
		r.noun += " " + r.name
	}
	last := strconv.Itoa(max(0, f.root.Len("Attempts")-1))
	stream := or(f.get("Container", "LogStreamName"), f.get("Attempts", last, "Container", "LogStreamName"))
	r.exit = or(r.exit, f.get("Attempts", last, "Container", "ExitCode"))
	for _, reason := range []string{f.get("Container", "Reason"), f.get("Attempts", last, "Container", "Reason"), f.get("Attempts", last, "StatusReason")} {
		if reason != "" && !strings.Contains(r.reason, reason) {
			r.reason = strings.TrimSpace(reason + ". " + r.reason)
		}
	}
	if looksLikeName(stream) && stream != "" {
		r.logs = "the log stream " + stream + " in /aws/batch/job"
		r.look = []string{"aws logs get-log-events --log-group-name /aws/batch/job --log-stream-name " + stream}
	} else {
		r.logs = "the job's log stream in /aws/batch/job"
	}
	return r
}

func glueReport(f *facts) *jobReport {
	if !f.has("JobRunState") {
		return nil
	}
	r := &jobReport{service: "glue", noun: "the Glue job", status: f.get("JobRunState"), reason: f.get("ErrorMessage"), name: f.get("JobName"), docs: []string{"Troubleshooting AWS Glue", "Start AWS Glue jobs with Step Functions"}}
	if looksLikeName(r.name) && r.name != "" {
		r.noun += " " + r.name
	}
	run := f.get("Id")
	r.logs = "/aws-glue/jobs/error and /aws-glue/jobs/output"
	if looksLikeName(run) && run != "" {
		r.logs = "/aws-glue/jobs/error and /aws-glue/jobs/output, log stream " + run
		r.look = []string{"aws logs tail /aws-glue/jobs/error --log-stream-names " + run}
	}
	if m := glueCategory.FindStringSubmatch(r.reason); m != nil {
		r.code = m[1]
	}
	return r
}

var glueCategory = lazyregexp.New(`Error Category: ([A-Z_]+)`)

func athenaReport(f *facts) *jobReport {
	if !f.has("QueryExecution", "Status", "State") {
		return nil
	}
	id := f.get("QueryExecution", "QueryExecutionId")
	r := &jobReport{service: "athena", noun: "the Athena query", status: f.get("QueryExecution", "Status", "State"), reason: or(f.get("QueryExecution", "Status", "StateChangeReason"), f.get("QueryExecution", "Status", "AthenaError", "ErrorMessage")),
		docs: []string{"Troubleshoot issues in Athena", "Run Athena queries with Step Functions"}}
	if looksLikeName(id) && id != "" {
		r.look = []string{"aws athena get-query-execution --query-execution-id " + id}
	}
	if m := reasonCode.FindStringSubmatch(r.reason); m != nil {
		r.code = m[1]
	}
	return r
}

func emrReport(f *facts) *jobReport {
	switch {
	case f.has("Step", "Status", "State"):
		r := &jobReport{service: "elasticmapreduce", noun: "the EMR step", status: f.get("Step", "Status", "State"), name: f.get("Step", "Name"),
			reason: strings.TrimSpace(f.get("Step", "Status", "FailureDetails", "Reason") + " " + f.get("Step", "Status", "FailureDetails", "Message") + " " + f.get("Step", "Status", "StateChangeReason", "Message")),
			logs:   "the step's stderr and controller logs below the cluster's LogUri in S3 (steps/STEP_ID/)", docs: []string{"Troubleshoot an Amazon EMR cluster", "Create and manage Amazon EMR clusters with Step Functions"}}
		if looksLikeName(r.name) && r.name != "" {
			r.noun += " " + r.name
		}
		return r
	case f.has("Cluster", "Status", "State"):
		return emrCluster(f, "Cluster")
	}
	if f.has("ClusterId") && f.has("Status", "StateChangeReason") {
		return emrCluster(f)
	}
	return nil
}

// emrCluster reads the description of a cluster, which stands at path.
func emrCluster(f *facts, path ...string) *jobReport {
	at := func(member ...string) string { return f.get(slices.Concat(path, member)...) }
	return &jobReport{service: "elasticmapreduce", noun: "the EMR cluster" + nameOf(firstOf(at("Name"), at("Id"), f.get("ClusterId"))), status: at("Status", "State"), code: at("Status", "StateChangeReason", "Code"),
		reason: at("Status", "StateChangeReason", "Message"), logs: "the cluster's LogUri in S3 (node/INSTANCE/bootstrap-actions)", docs: []string{"Troubleshoot an Amazon EMR cluster"}}
}

func emrServerlessReport(f *facts) *jobReport {
	if !f.has("JobRun", "State") && !(f.has("ApplicationId") && f.has("StateDetails")) && !f.has("StateDetails") {
		return nil
	}
	return &jobReport{service: "emr-serverless", noun: "the EMR job run", status: or(f.get("JobRun", "State"), f.get("State")), reason: or(f.get("JobRun", "StateDetails"), f.get("StateDetails")) + " " + f.get("JobRun", "FailureReason"),
		logs: "the driver's stderr in the job run's log destination", docs: []string{"Amazon EMR Serverless job run states"}}
}

var sagemakerStatus = []string{"TrainingJobStatus", "TransformJobStatus", "ProcessingJobStatus", "HyperParameterTuningJobStatus", "EndpointStatus", "LabelingJobStatus", "AutoMLJobStatus"}

func sagemakerReport(f *facts) *jobReport {
	for _, member := range sagemakerStatus {
		if !f.has(member) {
			continue
		}
		kind := strings.TrimSuffix(strings.TrimSuffix(member, "Status"), "Job")
		r := &jobReport{service: "sagemaker", noun: "the SageMaker " + strings.ToLower(kind) + " job", status: f.get(member), reason: f.get("FailureReason"), name: f.get(strings.TrimSuffix(member, "Status") + "Name"),
			code: f.get("SecondaryStatus"), logs: "/aws/sagemaker/" + kind + "Jobs", docs: []string{"Create and manage Amazon SageMaker AI jobs with Step Functions"}}
		if looksLikeName(r.name) && r.name != "" {
			r.noun += " " + r.name
			r.look = []string{"aws logs tail /aws/sagemaker/" + kind + "Jobs --log-stream-name-prefix " + r.name}
		}
		return r
	}
	return nil
}

func codebuildReport(f *facts) *jobReport {
	if !f.has("Build", "BuildStatus") {
		return nil
	}
	r := &jobReport{service: "codebuild", noun: "the CodeBuild build", status: f.get("Build", "BuildStatus"), name: f.get("Build", "ProjectName"), docs: []string{"Troubleshooting AWS CodeBuild", "Manage AWS CodeBuild builds with Step Functions"}}
	if looksLikeName(r.name) && r.name != "" {
		r.noun += " of the project " + r.name
	}
	for i := range f.root.Len("Build", "Phases") {
		n := strconv.Itoa(i)
		if s := f.get("Build", "Phases", n, "PhaseStatus"); s == "FAILED" || s == "FAULT" || s == "CLIENT_ERROR" || s == "TIMED_OUT" {
			r.who = "phase " + f.get("Build", "Phases", n, "PhaseType")
			r.code = f.get("Build", "Phases", n, "Contexts", "0", "StatusCode")
			r.reason = f.get("Build", "Phases", n, "Contexts", "0", "Message")
			break
		}
	}
	group, stream := f.get("Build", "Logs", "GroupName"), f.get("Build", "Logs", "StreamName")
	if !looksLikeName(r.name) {
		r.name = ""
	}
	r.logs = "the build's log in /aws/codebuild/" + or(r.name, "PROJECT")
	if looksLikeName(group) && looksLikeName(stream) && group != "" && stream != "" {
		r.logs = "the log stream " + stream + " in " + group
		r.look = []string{"aws logs get-log-events --log-group-name " + group + " --log-stream-name " + stream}
	}
	return r
}

// otherReport takes any JSON document with a failed status.
func otherReport(f *facts) *jobReport {
	status := firstOf(f.get("Status"), f.get("State"), f.get("JobStatus"), f.get("status"), f.get("RunStatus"), f.get("ExecutionStatus"))
	if !badStatus.MatchString(status) {
		return nil
	}
	return &jobReport{service: "other", noun: "the work", status: status,
		reason: firstOf(f.get("FailureReason"), f.get("StatusReason"), f.get("ErrorMessage"), f.get("StateDetails"), f.get("FailureMessage"), f.get("Message"), f.get("Error"), f.get("Reason"), f.get("StatusMessage")),
		logs:   "the service's own log", docs: []string{"Integrating services with Step Functions"}}
}

var (
	taskDefinition  = lazyregexp.New(`task-definition/([\w-]+(?::\d+)?)`)
	reasonCode      = lazyregexp.New(`^([A-Z][A-Z_]+):`)
	badStatus       = lazyregexp.New(`(?i)^(fail|error|timeout|timed|stopp|cancel|abort)`)
	pullDenied      = lazyregexp.New(`(?i)not authorized|AccessDenied|\b403\b|denied: (?:User|Your)|no basic auth`)
	pullAbsent      = lazyregexp.New(`(?i)may require|does not exist`)
	tableAbsent     = lazyregexp.New(`(?i)\b(?:table|schema|database|view|catalog) \S+ (?:does not exist|not found)`)
	containerMemory = lazyregexp.New(`(?i)OutOfMemory|out of memory|memory usage|OUT_OF_MEMORY|Container killed by YARN|exceeding (?:physical )?memory|more memory|Java heap|MemoryError|\bOOM(?:Killed)?\b`)
	pullFailed      = lazyregexp.New(`CannotPullContainer|CannotPullImageManifest|CannotPull|ImagePull|manifest unknown|pull image|unable to pull (?:the )?image`)
	startFailed     = lazyregexp.New(`CannotStartContainer|CannotCreateContainer|CannotInspectContainer|exec format error|executable file not found|no such file or directory: unknown|ContainerRuntimeError|platform does not match|exec user process caused|Cannot run program`)
	netFailed       = lazyregexp.New(`(?i)waiting for network interface provisioning|network interface (?:creation|provisioning) (?:timed out|failed)|unexpected EC2 error while attempting to (?:create|attach|tag) (?:the )?network interface`)
	// byUser is work that somebody ended.
	byUser = lazyregexp.New(`(?i)\b(?:terminated|cancell?ed|stopped|killed|aborted) by (?:the |a )?(?:user|request)|\buser[- ](?:initiated|requested|cancell?ed)`)
	// noWayOut is a subnet from which a job cannot reach S3.
	noWayOut  = lazyregexp.New(`(?i)could not find S3 endpoint or NAT gateway|S3 endpoint validation failed`)
	status404 = lazyregexp.New(`(?i)\b(?:status(?: code)?|http|error)[ :=(]{1,3}404\b|\b404 (?:not found|client error)`)
	// queryFault are Athena's codes for queries and data that do not fit each other.
	queryFault  = lazyregexp.New(`^(?:SYNTAX_ERROR|TYPE_MISMATCH|COLUMN_NOT_FOUND|INVALID_CAST_ARGUMENT|INVALID_FUNCTION_ARGUMENT|FUNCTION_NOT_FOUND|DIVISION_BY_ZERO|HIVE_BAD_DATA|HIVE_PARTITION_SCHEMA_MISMATCH|HIVE_INVALID_\w+|HIVE_UNSUPPORTED_FORMAT|PARQUET_\w+|NUMERIC_VALUE_OUT_OF_RANGE|MISMATCHED_COLUMN_ALIASES|DUPLICATE_COLUMN_NAME|AMBIGUOUS_NAME|EXPRESSION_NOT_\w+|NOT_SUPPORTED)$`)
	codeMistake = lazyregexp.New(`AnalysisException|ParseException|IndentationError|SyntaxError|NameError|TypeError|KeyError|AttributeError|ValueError|IndexError|NullPointerException|ClassCastException|IllegalArgumentException|ZeroDivisionError|AssertionError|UnboundLocalError|NumberFormatException|cannot resolve|Unable to infer schema|AlgorithmError: .*(?:should be|must be|Error\b)|unexpected indent|MismatchedInput|JSONDecodeError|UnicodeDecodeError|GlueArgumentError|ArgumentError|InvalidInput`)
	initFailed  = lazyregexp.New(`ResourceInitializationError|unable to pull secrets|unable to pull registry auth|unable to pull secrets or registry auth`)
	unsupported = lazyregexp.New(`(?i)(?:instance|worker|machine) type \S* ?(?:is )?not (?:supported|available|offered)|not supported in (?:the|your) (?:requested )?(?:availability zone|region)|is not (?:a )?(?:valid|supported) (?:instance|worker) type`)
	hostGone    = lazyregexp.New(`(?i)Host EC2 \(instance [\w-]+\) (?:terminated|stopped)|Spot (?:interruption|Instance|capacity)|SpotInterruption|TerminationNotice|instance was terminated|Your Spot Task was interrupted`)
	noCapacity  = lazyregexp.New(`(?i)capacity is unavailable|^RESOURCE:|insufficient (?:memory|cpu|capacity|instance)|Unable to provision|CapacityError|No Container Instances|INSTANCE_FAILURE|NO_INSTANCES|ResourceUnavailable|Resource unavailable`)
	jobStopped  = lazyregexp.New(`(?i)^(?:STOPPED|CANCELL?ED|USER_REQUEST|Stopped|UserInitiated|ABORTED|KILLED)$`)
	jobTimeout  = lazyregexp.New(`(?i)^(?:TIMEOUT|TIMED_OUT)$|attempt duration exceeded timeout|MaxRuntimeExceeded|exceeded the (?:maximum )?(?:timeout|run ?time)|timed out after \d+|Query timeout`)
	ioTimeout   = lazyregexp.New(`(?i)i/o timeout|context deadline exceeded|dial tcp|network configuration|no route|connect(?:ion)? timed out|request send failed|Client\.Timeout|S3 endpoint (?:validation|or NAT)|Could not find S3 endpoint`)
)

// kind of failure of a job, by the service's words.
func (f *facts) classifyJob(r *jobReport) (category diagnose.Category, also []diagnose.Category, confidence diagnose.Confidence, retryable diagnose.Retryable) {
	words := r.code + " " + r.reason
	c := diagnose.Certain
	and := func(cs ...diagnose.Category) []diagnose.Category { return cs }
	switch {
	case jobTimeout.MatchString(r.status) || jobTimeout.MatchString(r.code) || jobTimeout.MatchString(r.reason):
		return diagnose.Timeout, and(diagnose.Configuration), c, diagnose.Depends
	case pullFailed.MatchString(words) && ioTimeout.MatchString(words), initFailed.MatchString(words) && ioTimeout.MatchString(words):
		return diagnose.Network, and(diagnose.Configuration), c, diagnose.Depends
	case strings.Contains(words, "toomanyrequests") || strings.Contains(words, "pull rate limit"):
		return diagnose.Throttling, and(diagnose.Quota), c, diagnose.Yes
	case pullFailed.MatchString(words):
		if pullDenied.MatchString(words) && !pullAbsent.MatchString(words) {
			return diagnose.Permission, and(diagnose.Configuration), c, diagnose.No
		}
		return diagnose.ResourceNotFound, and(diagnose.Permission, diagnose.Configuration), c, diagnose.No
	case initFailed.MatchString(words):
		s := signalOf(&diagnose.Cause{Message: r.reason})
		if s.category == diagnose.Permission || s.category == diagnose.ResourceNotFound {
			return s.category, and(diagnose.Configuration), c, diagnose.No
		}
		return diagnose.Configuration, and(diagnose.Permission, diagnose.Network), diagnose.Likely, diagnose.Depends
	case noWayOut.MatchString(words):
		return diagnose.Network, and(diagnose.Configuration), c, diagnose.No
	case containerMemory.MatchString(words) || r.exit == "137" && !hostGone.MatchString(words):
		conf := c
		if !containerMemory.MatchString(words) {
			conf = diagnose.Likely
		}
		return diagnose.Configuration, and(diagnose.Other, diagnose.LambdaResourceExhausted), conf, diagnose.No
	case diskFull.MatchString(words):
		return diagnose.Configuration, and(diagnose.Other, diagnose.LambdaResourceExhausted), c, diagnose.No
	case startFailed.MatchString(words):
		return diagnose.Configuration, and(diagnose.Other), c, diagnose.No
	case netFailed.MatchString(words):
		return diagnose.ServiceError, and(diagnose.Network, diagnose.Configuration), diagnose.Likely, diagnose.Yes
	case hostGone.MatchString(words):
		return diagnose.ServiceError, and(diagnose.Other), c, diagnose.Yes
	case noCapacity.MatchString(words):
		return diagnose.ServiceError, and(diagnose.Quota, diagnose.Configuration), diagnose.Likely, diagnose.Yes
	case jobStopped.MatchString(r.status) || jobStopped.MatchString(r.code) || byUser.MatchString(r.reason):
		return diagnose.AbortedByHand, and(diagnose.Other), diagnose.Likely, diagnose.No
	}
	return f.classifyWords(r, words)
}

func (f *facts) classifyWords(r *jobReport, words string) (category diagnose.Category, also []diagnose.Category, confidence diagnose.Confidence, retryable diagnose.Retryable) {
	and := func(cs ...diagnose.Category) []diagnose.Category { return cs }
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(strings.ToLower(words), strings.ToLower(p)) {
				return true
			}
		}
		return false
	}
	switch {
	case r.service == "glue" && has("maximum concurrent compute capacity", "exceeded maximum concurrent"):
		return diagnose.Quota, and(diagnose.ServiceError), diagnose.Certain, diagnose.Yes
	case has("PERMISSION_ERROR", "PERMISSION_DENIED"):
		return diagnose.Permission, nil, diagnose.Certain, diagnose.No
	case r.service == "athena" && queryFault.MatchString(r.code):
		return diagnose.InvalidParameters, and(diagnose.Other), diagnose.Likely, diagnose.No
	case r.service == "athena" && has("TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND", "CATALOG_NOT_FOUND", "Table not found", "Database does not exist", "Entity Not Found") || tableAbsent.MatchString(words):
		return diagnose.ResourceNotFound, and(diagnose.InvalidParameters), diagnose.Certain, diagnose.No
	case has("NoSuchKey", "NoSuchBucket", "No S3 objects found", "No objects found at", "no objects found under", "Path does not exist", "RESOURCE_NOT_FOUND", "FileNotFoundException") || status404.MatchString(words):
		return diagnose.ResourceNotFound, and(diagnose.Configuration), diagnose.Likely, diagnose.No
	case r.service == "athena" && has("Bytes scanned limit"): // the workgroup's own, which the same query meets again
		return diagnose.Quota, and(diagnose.Configuration), diagnose.Likely, diagnose.No
	case r.service == "athena" && has("exhausted resources", "EXCEEDED_MEMORY_LIMIT", "INSUFFICIENT_RESOURCES"):
		return diagnose.Quota, and(diagnose.ServiceError, diagnose.Configuration), diagnose.Likely, diagnose.Depends
	case r.service == "athena" && has("not authorized", "Access denied", "Insufficient permissions", "Insufficient Lake Formation", "PERMISSION"):
		return diagnose.Permission, nil, diagnose.Certain, diagnose.No
	case r.service == "athena" && has("SlowDown", "reduce your request rate", "Rate exceeded"):
		return diagnose.Throttling, and(diagnose.ServiceError), diagnose.Likely, diagnose.Yes
	case r.service == "athena" && has("GENERIC_INTERNAL_ERROR", "INTERNAL_ERROR", "EXCEEDED_TIME", "HIVE_METASTORE_ERROR", "REMOTE_TASK_ERROR"):
		return diagnose.ServiceError, and(diagnose.Other), diagnose.Likely, diagnose.Depends
	case r.service == "athena":
		return diagnose.InvalidParameters, and(diagnose.Other), diagnose.Likely, diagnose.No
	case unsupported.MatchString(words):
		return diagnose.Configuration, and(diagnose.InvalidParameters, diagnose.ServiceError), diagnose.Likely, diagnose.No
	case r.service == "sagemaker" && has("InternalServerError", "internal error"), r.service == "elasticmapreduce" && has("INTERNAL_ERROR"), r.service == "codebuild" && r.status == "FAULT":
		return diagnose.ServiceError, nil, diagnose.Certain, diagnose.Yes
	case has("IMPORT_ERROR", "ModuleNotFoundError", "ImportError", "BOOTSTRAP_FAILURE", "YAML_FILE_ERROR", "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE", "VALIDATION_ERROR", "No module named", "ClassNotFoundException", "NoClassDefFoundError", "NoSuchMethodError"):
		return diagnose.Configuration, and(diagnose.Other, diagnose.InvalidParameters), diagnose.Likely, diagnose.No
	}
	if reason, ok := placement[strings.ToUpper(strings.TrimSpace(r.code))]; ok && r.service == "ecs" {
		return reason.category, and(diagnose.ServiceError, diagnose.Configuration), diagnose.Certain, reason.retryable
	}
	if codeMistake.MatchString(words) {
		return diagnose.Other, and(diagnose.InvalidParameters, diagnose.Configuration, diagnose.LambdaUnhandled), diagnose.Likely, diagnose.No
	}
	if r.exit == "126" || r.exit == "127" {
		return diagnose.Configuration, and(diagnose.Other), diagnose.Likely, diagnose.No
	}
	s := signalOf(&diagnose.Cause{Message: r.reason, Shape: diagnose.PlainCause})
	switch s.category {
	case diagnose.Permission, diagnose.Quota, diagnose.Throttling, diagnose.Network, diagnose.ResourceNotFound:
		return s.category, and(diagnose.Other), diagnose.Likely, retryOf(s.category)
	}
	return diagnose.Other, and(diagnose.Configuration), diagnose.Likely, diagnose.Depends
}

// placement are ECS's reasons for not placing a task, as its API documents them.
var placement = map[string]struct {
	category  diagnose.Category
	retryable diagnose.Retryable
	why       string
}{
	"AGENT":                   {diagnose.Configuration, diagnose.Depends, "The ECS agent of the container instance is disconnected: its process, its way to the ECS endpoints or its instance role is broken, or the instance is just going away. Look at agentConnected of the container instance, and replace the instance."},
	"ATTRIBUTE":               {diagnose.Configuration, diagnose.No, "The task needs an attribute that no container instance has: an instance type, architecture, GPU, log driver or placement constraint."},
	"MISSING":                 {diagnose.Configuration, diagnose.No, "The container instance, task definition or capacity provider that was named does not exist (any more)."},
	"INACTIVE":                {diagnose.Configuration, diagnose.No, "The container instance was deregistered."},
	"LOCATION":                {diagnose.Configuration, diagnose.No, "The container instance lies in another zone than the task's subnet."},
	"EMPTY CAPACITY PROVIDER": {diagnose.Configuration, diagnose.Depends, "The capacity provider has no instances."},
}

func retryOf(c diagnose.Category) diagnose.Retryable {
	switch c {
	case diagnose.Throttling, diagnose.ServiceError, diagnose.Concurrency, diagnose.Quota:
		return diagnose.Yes
	case diagnose.Network, diagnose.Timeout:
		return diagnose.Depends
	}
	return diagnose.No
}

func (f *facts) jobFailed(r *jobReport) *diagnose.Finding {
	category, also, confidence, retryable := f.classifyJob(r)
	d := f.finding(category, confidence, retryable)
	d.Also = also
	exit := ""
	if r.exit != "" && r.exit != "0" {
		exit = fmt.Sprintf(": its container%s exited with exit code %s (ExitCode %s)", nameOf(r.who), r.exit, r.exit)
	} else if r.who != "" {
		exit = fmt.Sprintf(" in its %s", harmless(r.who))
		if r.service == "ecs" || r.service == "batch" {
			exit = fmt.Sprintf(" in its container %s", harmless(r.who))
		}
	}
	status := ""
	if looksLikeName(r.status) && r.status != "" {
		status = " (" + r.status + ")"
	}
	d.Title = upper(r.noun) + " failed" + status
	reason := saying(chained(strings.TrimSpace(r.reason)))
	if exit != "" && reason != "" {
		reason = "; it says" + reason
	}
	d.RootCause = fmt.Sprintf("%s that %s started %s%s%s.", upper(r.noun), f.who(), f.ended(r, category), exit, reason)
	d.Explanation = f.whyJob(r, category)
	d.Focus = f.focusField("what is started here failed", "Resource", "Parameters", "Arguments")
	steps := append([]string(nil), r.look...)
	words := r.code + " " + r.reason
	if r.logs != "" && !pullFailed.MatchString(words) && !initFailed.MatchString(words) { // else nothing ran that could log
		steps = append([]string{"Read the log of the failed work: " + r.logs + "."}, steps...)
	}
	d.Remedies = append([]diagnose.Remedy{f.mendJob(r, category, steps)}, f.againJob(retryable)...)
	if own := f.jobItself(r); own.Title != "" {
		d.Remedies = append([]diagnose.Remedy{own}, f.againJob(retryable)...)
	}
	d.Remedies = append(d.Remedies, f.catchRemedy()...)
	d.Prevention = []string{"The error name is States.TaskFailed whatever went wrong in the work: decide in a Catch and a Choice on what the cause says (States.StringToJson($.error.Cause)), and let the work write its reason where the service reports it."}
	d.Docs = r.docs
	return d
}

// chained shortens a reason that hands on another ("a: b: c") in the middle: what
// began it stands at its end.
func chained(s string) string {
	if len(s) <= quoteLength || strings.Count(s, ": ") < 3 || strings.Contains(s, "\n") {
		return s
	}
	parts := strings.Split(s, ": ")
	end := parts[len(parts)-1]
	for i := len(parts) - 2; i > 0 && len(end)+len(parts[i]) < quoteLength/2; i-- {
		end = parts[i] + ": " + end
	}
	if len(end) > quoteLength {
		return s
	}
	return clip(parts[0], quoteLength/3) + ": … " + end
}

// ended says how the work ended.
func (f *facts) ended(r *jobReport, c diagnose.Category) string {
	switch c {
	case diagnose.AbortedByHand:
		return "was stopped"
	case diagnose.Timeout:
		if n := f.get("Timeout"); r.service == "glue" && n != "" && looksLikeName(n) {
			return "ran into its own time limit (Timeout) of " + n + " minutes"
		}
		if n := firstOf(f.get("Timeout", "AttemptDurationSeconds"), f.get("StoppingCondition", "MaxRuntimeInSeconds"), f.get("Build", "TimeoutInMinutes")); n != "" && looksLikeName(n) {
			return "ran into its own time limit of " + n + unitOf(r)
		}
		return "ran into its own time limit"
	}
	return "failed"
}

func unitOf(r *jobReport) string {
	if r.service == "codebuild" {
		return " minutes"
	}
	return " seconds"
}

func nameOf(s string) string {
	if s == "" || !looksLikeName(s) {
		return ""
	}
	return " " + s
}

// jobItself is the remedy for work that did not fail by its own fault: a machine
// went away, or there was none; without a title for other work.
func (f *facts) jobItself(r *jobReport) diagnose.Remedy {
	words := r.code + " " + r.reason
	switch {
	case hostGone.MatchString(words) && r.service == "batch":
		return diagnose.Remedy{Title: "Let Batch run it again on another machine", Steps: []string{
			`Give the job definition (or the state's parameters) a retry strategy for this reason alone: "RetryStrategy": {"Attempts": 5, "EvaluateOnExit": [{"OnStatusReason": "Host EC2*", "Action": "RETRY"}, {"OnReason": "*", "Action": "EXIT"}]}`,
			"Work that takes hours needs checkpoints, or an On-Demand compute environment behind the Spot one in the job queue.",
		}}
	case hostGone.MatchString(words):
		return diagnose.Remedy{Title: "Run it again, or on capacity that stays", Steps: []string{
			"For work that must not be interrupted, take FARGATE in place of FARGATE_SPOT (On-Demand in place of Spot instances), or a CapacityProviderStrategy with a base on the steady one.",
			"On Spot let the work take SIGTERM (two minutes before the end) and write a checkpoint.",
		}}
	case noRoom.MatchString(words) && r.service == "ecs":
		what := strings.ToLower(noRoom.FindStringSubmatch(words)[1])
		return diagnose.Remedy{Title: "Make room in the cluster", Steps: []string{
			fmt.Sprintf("See what the instances have left of %s: aws ecs describe-container-instances --cluster CLUSTER --container-instances $(aws ecs list-container-instances --cluster CLUSTER --query 'containerInstanceArns[]' --output text) --query 'containerInstances[].remainingResources'", what),
			"Let the cluster grow by itself: a capacity provider with managed scaling, named in the state's CapacityProviderStrategy (the task then waits as PROVISIONING and does not fail); or run it on FARGATE; or ask for less in the task definition.",
		}}
	}
	return diagnose.Remedy{}
}

// noRoom is ECS's reason where no instance has enough left: RESOURCE:MEMORY.
var noRoom = lazyregexp.New(`RESOURCE:([A-Z]+)`)

func (f *facts) againJob(retryable diagnose.Retryable) []diagnose.Remedy {
	if retryable != diagnose.Yes {
		return nil
	}
	return []diagnose.Remedy{f.retryRemedy("Start it again after a while", "Let the work go on from where it stopped (checkpoints), as a retry begins anew.")}
}

func (f *facts) whyJob(r *jobReport, c diagnose.Category) string {
	words := r.code + " " + r.reason
	if reason, ok := placement[strings.ToUpper(strings.TrimSpace(r.code))]; ok && r.service == "ecs" {
		return reason.why
	}
	switch {
	case diskFull.MatchString(words):
		return "The disk of the work is full: Fargate tasks have 20 GiB of ephemeral storage unless the task definition says more (ephemeralStorage, up to 200), containers on EC2 share the instance's volume with images and earlier containers."
	case netFailed.MatchString(words):
		return "Fargate could not give the task its network interface in time; that passes as a rule, so try it again. Where it comes back, look for subnets without free IP addresses and for the limit of network interfaces."
	case c == diagnose.Timeout:
		return "The service's own time limit for the work ended it (the job definition's timeout, the job's Timeout, StoppingCondition); it is not the state's TimeoutSeconds."
	case c == diagnose.AbortedByHand:
		return "The work was stopped by a call (StopTask, TerminateJob, CancelSteps, StopQueryExecution …), by a person or by an execution that was itself stopped."
	case containerMemory.MatchString(words) || r.exit == "137":
		return "The process was killed for using more memory than it was given (out of memory, OOM; exit code 137 is 128 + signal 9, SIGKILL). The same data would need as much again."
	case pullFailed.MatchString(words) && c == diagnose.ResourceNotFound:
		return "The image could not be pulled: the repository or tag does not exist in that registry, region and account, or was expired by a lifecycle policy; ECR answers alike where the execution role may not see it."
	case pullFailed.MatchString(words) || initFailed.MatchString(words):
		return "Before the container starts, ECS pulls the image and secrets with the task's execution role, from the task's subnet: role, registry and network (NAT, public IP, or VPC endpoints for ecr.api, ecr.dkr, S3, secretsmanager, ssm, logs) have to allow it."
	case startFailed.MatchString(words):
		return "The image was there, but its process could not be started: a wrong command or entry point, a missing file or execution bit, or an image for another CPU architecture (arm64, x86_64)."
	case hostGone.MatchString(words):
		return "The machine under the container went away (Spot interruption, scale-in, a health check), which says nothing about the work itself."
	case noRoom.MatchString(words) && r.service == "ecs":
		return fmt.Sprintf("No container instance of the cluster had enough %s left for what the task definition asks for; running tasks hold it until they end.", strings.ToLower(noRoom.FindStringSubmatch(words)[1]))
	case c == diagnose.ServiceError:
		return "There was no capacity for the work, or the service failed on its side, at that moment."
	case r.exit == "143":
		return "Exit code 143 is 128 + signal 15 (SIGTERM): the container was asked to stop, by ECS, a deployment or a time limit."
	case r.exit == "139":
		return "Exit code 139 is 128 + signal 11: the process crashed in native code (segmentation fault)."
	case r.exit == "127" || r.exit == "126":
		return "Exit codes 126 and 127 are the shell's: a command of the container is not executable or does not exist in the image."
	case r.exit != "" && r.exit != "0":
		return "The container's own program ended with that exit code; why stands in its log only, not in what Step Functions records."
	}
	switch r.service {
	case "glue":
		return "The script raised or Spark failed; the message is the last line of the driver's error, the log has the stack trace."
	case "athena":
		return "Athena accepted the query and could not run it: the text of the query, the tables it names or the data behind them are not what it expects."
	case "codebuild":
		return "A command of the buildspec failed, or the build could not be set up; the phase tells which."
	case "sagemaker":
		return "AlgorithmError comes from the code in the container, ClientError from what the job was given (data, role, image, instance type), InternalServerError and CapacityError from the service."
	case "elasticmapreduce":
		return "EMR reports little here; stderr and the controller log of the step, and the YARN application's own log, tell the reason."
	}
	return "The service ran the work and reports that it failed; its log has the reason."
}

// moduleMissing is a Python module or a JVM class that the work did not find.
var moduleMissing = lazyregexp.New(`(?:No module named |ClassNotFoundException: |NoClassDefFoundError: )['"]?([A-Za-z_][\w./$]{0,120}\w)`)

// installIn is how a service's work is given a module or class that it lacks. The
// package to install is left to the reader: what a message calls a module can be
// anybody's package.
func installIn(service string) string {
	const which = " PACKAGE is the one whose documentation says that it brings that module (it may have another name), at a version you have checked; a module of your own code has to go along with the code."
	switch service {
	case "glue":
		return `Python: add it to the job's arguments, "Arguments": {"--additional-python-modules": "PACKAGE==VERSION"} (Glue 2.0 and later fetch it from PyPI, or from a wheel in S3), or "--extra-py-files" for modules of your own. A JVM class comes with "--extra-jars".` + which
	case "sagemaker":
		return "Add PACKAGE==VERSION to requirements.txt beside the script (source_dir), or build it into the image." + which
	case "elasticmapreduce", "emr-serverless":
		return "Give the step what it needs: Python modules as an archive of a virtual environment (--archives, spark.pyspark.python) or through a bootstrap action, JVM classes with --jars or in the application's own jar; PACKAGE has to be in it." + which
	case "codebuild":
		return "Install PACKAGE in the buildspec's install phase." + which
	}
	return "Install PACKAGE into the image that the job runs, and let the definition use the new tag." + which
}

// ecrImage is an image in a registry of Amazon ECR: account, region, repository, tag.
var ecrImage = lazyregexp.New(`(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/([a-z0-9._/-]+):([\w][\w.-]{0,127})`)

func (f *facts) mendJob(r *jobReport, c diagnose.Category, steps []string) diagnose.Remedy {
	words := r.code + " " + r.reason
	switch {
	case c == diagnose.Timeout:
		return diagnose.Remedy{Title: "See why it takes so long, then set the limit", Steps: append(steps, "If it is healthy, set the job's own time limit above its slowest good run, and the state's TimeoutSeconds above that.")}
	case c == diagnose.AbortedByHand:
		return diagnose.Remedy{Title: "Ask who stopped it", Steps: append([]string{"CloudTrail has the call: aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventSource,AttributeValue=" + or(f.task.service, "SERVICE") + ".amazonaws.com"}, steps...)}
	case containerMemory.MatchString(words) || r.exit == "137":
		return diagnose.Remedy{Title: "Give it more memory, or hold less at a time", Steps: append([]string{"Raise the memory in the task or job definition (ContainerOverrides or ResourceRequirements of the state, WorkerType for Glue, a larger instance type), and watch its real use (Container Insights); or process in smaller parts."}, steps...)}
	case c == diagnose.Permission:
		d := readDenial(r.reason)
		first := "Allow the denied action to the role of the work (ECS: taskRoleArn for the code, executionRoleArn for pulling images and secrets; Glue, SageMaker, EMR: the job's role)."
		if st := statement(d, f); st != "" {
			first += " Statement: " + st
		}
		return diagnose.Remedy{Title: "Give the work's own role the permission", Steps: append([]string{first}, steps...)}
	case pullFailed.MatchString(words) && c == diagnose.ResourceNotFound:
		look := "aws ecr describe-images --repository-name REPOSITORY --image-ids imageTag=TAG"
		if m := ecrImage.FindStringSubmatch(words); m != nil {
			look = fmt.Sprintf("aws ecr describe-images --registry-id %s --region %s --repository-name %s --image-ids imageTag=%s", m[1], m[2], m[3], m[4])
		}
		return diagnose.Remedy{Title: "Correct the image, or push it", Steps: append([]string{"Look whether the tag is there: " + look + "; correct the image in the task or job definition, or push the tag; then let the state use the new revision."}, steps...)}
	case c == diagnose.Throttling && (pullFailed.MatchString(words) || strings.Contains(words, "pull rate limit")):
		return diagnose.Remedy{Title: "Pull as somebody, or from elsewhere", Steps: append([]string{"Docker Hub counts pulls without a login by address, and many share one: log in before the pull (registry credentials from Secrets Manager), or take the image from Amazon ECR (a pull-through cache, public.ecr.aws, or a copy of your own)."}, steps...)}
	case c == diagnose.Network:
		return diagnose.Remedy{Title: "Give the work's subnet a way out", Steps: append([]string{"A route to a NAT gateway (or AssignPublicIp ENABLED in a public subnet), or VPC endpoints for ecr.api, ecr.dkr, S3 (gateway), logs, secretsmanager and ssm; security groups that let 443 out and in at the endpoints."}, steps...)}
	case c == diagnose.ResourceNotFound:
		return diagnose.Remedy{Title: "Correct the name, or create what is missing", Steps: append([]string{"Check database, table, path, bucket and region against what is really there."}, steps...)}
	case r.service == "athena" && c == diagnose.InvalidParameters:
		return diagnose.Remedy{Title: "Correct the query", Steps: append([]string{"Run the QueryString from the history in the Athena console; text that is put into it has to be quoted (better: ExecutionParameters), names of columns and types have to match the table's, and partitions and files its format."}, steps...)}
	}
	if m := moduleMissing.FindStringSubmatch(words); m != nil {
		return diagnose.Remedy{Title: "Install what brings the missing module where the work runs", Steps: append([]string{"The work does not find " + or(quoted(m[1]), "a module") + ".", installIn(r.service)}, steps...)}
	}
	return diagnose.Remedy{Title: "Find the reason in its log and mend it there", Steps: append(steps, "Run the work once by hand with the same parameters (as the TaskScheduled event has them).")}
}
