package rules

import (
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// LambdaTimeout sees a function that ran into its own time limit.
var LambdaTimeout = &diagnose.Rule{
	Name:  "lambda-timeout",
	Doc:   "A Lambda function ran into its own configured time limit (not the state's): “Task timed out after …”, Sandbox.Timedout, Lambda.Unknown.",
	Check: one(lambdaTimeout),
}

var timedOutAfter = lazyregexp.New(`(?i)Task timed out after (\d+(?:\.\d+)?) seconds`)

// endedByLambda is how Lambda writes of an invocation that it ended: with its request id.
var endedByLambda = lazyregexp.New(`(?i)(?:RequestId: \S+|[0-9a-f]{8}-[0-9a-f-]{27}) (?:Error: )?Task timed out`)

func lambdaTimeout(f *facts) *diagnose.Finding {
	m := timedOutAfter.FindStringSubmatch(f.root.Text + "\n" + f.msg)
	if t := f.root.Type; m != nil && f.lambda() && t != "" && t != "Sandbox.Timedout" && !endedByLambda.MatchString(f.root.Text) {
		return nil // the code speaks of a task of its own
	}
	if f.stepFunctionsRuntime() || m == nil && !f.errorIs("Sandbox.Timedout") {
		return nil
	}
	d := f.finding(diagnose.LambdaResourceExhausted, diagnose.Certain, diagnose.Depends)
	seconds := ""
	if m != nil {
		seconds = " after " + strings.TrimSuffix(m[1], ".00") + " s"
	}
	fn := f.functionOr()
	d.Title = fmt.Sprintf("%s timed out%s", upper(fn), seconds)
	d.RootCause = fmt.Sprintf("%s was still at work when its own configured Lambda timeout ended it%s; it timed out%s.", upper(fn), inChild(f), seconds)
	d.Explanation = "That limit is the function's setting, not a field of the state, and Step Functions sees it as Sandbox.Timedout or Lambda.Unknown: a Retry or Catch on States.Timeout does not match it. " +
		"Either the work is larger than the time (more data, a cold start, a VPC), or it waits for something that never answers: a database or endpoint behind a security group, a NAT or VPC endpoint that is missing, a lock."
	if m != nil && (strings.HasPrefix(m[1], "3.") || m[1] == "3") {
		d.Explanation += " Three seconds is Lambda's default: nobody may ever have set it."
	}
	d.Focus = f.focusField("the function called here timed out", "Resource", "Parameters")
	d.Remedies = []diagnose.Remedy{
		{Title: "Find out what it was waiting for", Steps: []string{
			"Read the log of the failed request; the last line before the end tells what it was doing: aws logs tail /aws/lambda/" + f.functionArg() + " --since 1h",
			"Give every client in the code a connect and read time-out below the function's own, so that a dead network shows as an error with a host name.",
		}},
		{Title: "Make the work fit, or give it more time", Steps: []string{
			"More memory also means more CPU: aws lambda update-function-configuration --function-name " + f.functionArg() + " --memory-size 1769",
			"Split the work into smaller parts (a Map over batches), or move what needs more than 15 minutes (900 s, Lambda's maximum) to ECS, Batch or Glue with .sync.",
			"If the duration is as expected, set the function's --timeout above the slowest run that you accept, and the state's TimeoutSeconds a little above that.",
		}},
		f.retryRemedy("If it is only now and then slow (cold start, a busy database), retry"),
	}
	d.Prevention = []string{"Alarm on the function's Duration near its limit, before it is reached.", "Name Sandbox.Timedout and Lambda.Unknown in Retry and Catch where States.ALL is not used; States.Timeout never matches a Lambda time-out."}
	d.Docs = []string{"Configure Lambda function timeout", "Troubleshoot invocation issues in Lambda", "Handling errors in Step Functions workflows"}
	return d
}

func inChild(f *facts) string {
	if f.nested == nil {
		return ""
	}
	return ", in " + f.child()
}

// LambdaMemory sees a function that was killed, as a rule for want of memory.
var LambdaMemory = &diagnose.Rule{
	Name:  "lambda-memory",
	Doc:   "A Lambda function ran out of memory or disk, or its process was killed.",
	Check: one(lambdaMemory),
}

var (
	outOfMemory = lazyregexp.New(`(?i)signal: killed|Runtime\.OutOfMemory|OutOfMemoryError|JavaScript heap out of memory|Java heap space|GC overhead limit|Metaspace|^MemoryError|Cannot allocate memory|out of memory|ENOMEM|std::bad_alloc|NoMemoryError|failed to allocate memory|OutOfMemoryException`)
	diskFull    = lazyregexp.New(`(?i)No space left on device|ENOSPC|disk quota exceeded|There is not enough space on the disk`)
	crashed     = lazyregexp.New(`(?i)signal: aborted|SIGABRT|signal: abort`)
	manyFiles   = lazyregexp.New(`(?i)Too many open files|EMFILE|can't start new thread|unable to create (?:new )?native thread`)
)

// ownResources are words of the function's own runtime and operating system.
var ownResources = lazyregexp.New(`(?i)signal: |Runtime\.|MemoryError|OutOfMemory|NoMemory|bad_alloc|heap|GC overhead|Metaspace|\bENO(?:SPC|MEM)\b|EMFILE|Errno (?:12|24|28)|\bOSError\b|\bIOError\b|IOException|can't start new thread|native thread`)

func lambdaMemory(f *facts) *diagnose.Finding {
	if !f.lambda() && !f.errorIs("Runtime.ExitError", "Runtime.OutOfMemory", "Lambda.Unknown") {
		return nil
	}
	all := f.err + "\n" + f.root.Type + "\n" + f.msg
	fn := f.functionOr()
	d := f.finding(diagnose.LambdaResourceExhausted, diagnose.Certain, diagnose.No)
	switch {
	case outOfMemory.MatchString(all) || f.root.Type == "MemoryError":
		d.Title = upper(fn) + " ran out of memory"
		killed := ""
		if f.says("signal: killed") {
			killed = " and was killed (signal: killed, SIGKILL)"
		}
		d.RootCause = fmt.Sprintf("%s needed more memory than it is configured with%s%s: out of memory (OOM).", upper(fn), killed, inChild(f))
		d.Explanation = "Lambda ends the process at once, so that the code can neither catch it nor log it; the REPORT line of the log shows Max Memory Used equal to Memory Size."
		d.Remedies = []diagnose.Remedy{
			{Title: "Give it more memory", Steps: []string{"aws lambda update-function-configuration --function-name " + f.functionArg() + " --memory-size 2048   (up to 10,240 MB; size it by Max Memory Used in the REPORT lines)"}},
			{Title: "Hold less in memory at a time", Steps: []string{"Stream files in place of reading them whole, process in batches (a Map with ItemBatcher), and clear what module-level variables keep between invocations."}},
		}
	case crashed.MatchString(all) && f.says("Runtime exited", "Runtime.ExitError", "Lambda.Unknown"):
		d.Confidence = diagnose.Likely
		d.Also = []diagnose.Category{diagnose.LambdaUnhandled, diagnose.LambdaPackaging}
		d.Title = "The process of " + fn + " aborted itself"
		d.RootCause = fmt.Sprintf("The process of %s aborted itself (SIGABRT)%s, as runtimes do that cannot get more memory%s.", fn, inChild(f), saying(f.msg))
		d.Explanation = "Node.js aborts when its heap is full (“JavaScript heap out of memory” in the log), C and C++ code on std::bad_alloc or a failed assertion; the log has the last words before it. The same input would lead to the same end."
		d.Remedies = []diagnose.Remedy{
			{Title: "See what the log says before the abort", Steps: []string{"aws logs tail /aws/lambda/" + f.functionArg() + " --since 1h   (compare Max Memory Used with Memory Size in the REPORT line)"}},
			{Title: "If it was the memory, give it more", Steps: []string{"aws lambda update-function-configuration --function-name " + f.functionArg() + " --memory-size 2048   (Node.js takes its heap limit from it; NODE_OPTIONS=--max-old-space-size may hold it lower)"}},
		}
	case diskFull.MatchString(all):
		d.Title = upper(fn) + " ran out of disk space in /tmp"
		d.RootCause = fmt.Sprintf("%s filled its /tmp (disk full%s), which is kept between invocations of one environment.", upper(fn), saying(f.msg))
		d.Explanation = "/tmp (ephemeral storage) has 512 MB unless more is configured; files of earlier invocations stay there. The same input needs as much room again."
		d.Remedies = []diagnose.Remedy{{Title: "Give it more disk, or tidy up", Steps: []string{
			"aws lambda update-function-configuration --function-name " + f.functionArg() + " --ephemeral-storage Size=2048",
			"Delete temporary files at the end of each invocation, also after an error.",
		}}}
	case manyFiles.MatchString(all):
		d.Title = upper(fn) + " ran out of file descriptors or threads"
		d.RootCause = fmt.Sprintf("%s used up the 1,024 file descriptors or threads of its environment%s.", upper(fn), saying(f.msg))
		d.Retryable = diagnose.Depends
		d.Explanation = "Connections or files are opened and not closed; they add up over the invocations of one environment."
		d.Remedies = []diagnose.Remedy{{Title: "Close what is opened", Steps: []string{"Make clients once, outside the handler, and close files and responses; limit the number of parallel connections."}}}
	default:
		return nil
	}
	if !ownResources.MatchString(all) {
		d.Confidence = diagnose.Likely // the words may tell of another machine
		d.Also = []diagnose.Category{diagnose.LambdaUnhandled}
	}
	d.Focus = f.focusField("the function called here ran out of resources", "Resource", "Parameters")
	d.Prevention = []string{"Alarm on Max Memory Used near Memory Size (Lambda Insights, or a metric filter on the REPORT lines)."}
	d.Docs = []string{"Configure Lambda function memory", "Configure ephemeral storage for Lambda functions", "Troubleshoot invocation issues in Lambda"}
	return d
}

// LambdaPackaging sees code that could not be loaded or started.
var LambdaPackaging = &diagnose.Rule{
	Name:  "lambda-packaging",
	Doc:   "A Lambda function's code could not be loaded or started: import, handler, entry point, architecture, layer, init.",
	Check: one(lambdaPackaging),
}

var (
	loadError = lazyregexp.New(`(?i)ImportError|ModuleNotFound|MODULE_NOT_FOUND|ClassNotFound|NoClassDef|LoadError|Require stack:`)
	// handlerMissing says that the function's entry is not there, in the words of the runtimes.
	handlerMissing = lazyregexp.New(`(?i)\bbad handler\b|\bhandler (?:'[^']*' |"[^"]*" |\S+ )?(?:was |is )?(?:not found|missing|undefined|not exported|could not be (?:found|loaded))|^Handler '|(?:unable|failed) to (?:load|find) (?:the )?handler|no handler (?:found|defined)`)
	importError    = lazyregexp.New(`(?i)Unable to import module '([^']+)'(?:: ?(.*))?|Cannot find module '([^']+)'|Cannot find package '([^']+)'|No module named '?([\w.]+)'?|cannot import name '?([\w.]+)'?|LoadError.*?-- ([\w/.-]+)|cannot load such file -- ([\w/.-]+)|ClassNotFoundException:? ?([\w.$]+)?|Class not found: ([\w.$]+)|NoClassDefFoundError:? ?([\w./$]+)?|Could not load file or assembly '([^',]+)`)
	sharedLib      = lazyregexp.New(`(?i)(lib[\w.+-]+\.so[\w.]*): cannot open shared object|GLIBC_[\d.]+|invalid ELF header|Exec format error|wrong ELF class|incompatible architecture|cannot execute binary file|undefined symbol`)
)

// initTimeout is code that takes longer to start than Lambda waits.
var initTimeout = lazyregexp.New(`(?i)Init\.Timeout|Phase: init\s+Status: timeout|init(?:ialization)? (?:has )?timed out`)

func lambdaPackaging(f *facts) *diagnose.Finding {
	if f.task.known && f.task.service != "lambda" && f.nested == nil && !f.lambda() {
		return nil
	}
	named := f.errorIs("Runtime.ImportModuleError", "Runtime.HandlerNotFound", "Runtime.UserCodeSyntaxError", "Runtime.InvalidEntrypoint", "Runtime.MalformedHandlerName",
		"Runtime.NoHandler", "Runtime.InitError", "Init.Error", "Runtime.UserCodeLoadError", "Extension.LaunchError", "Extension.Crash", "Extension.InitError", "InvalidEntrypoint", "Runtime.NodeJsExit",
		"Lambda.InvalidRuntimeException", "Lambda.InvalidZipFileException", "InvalidZipFileException", "Runtime.Unknown", "Runtime.BadFunctionCode", "Runtime.MalformedHandler")
	exited := f.errorIs("Runtime.ExitError") && !outOfMemory.MatchString(f.msg) && !crashed.MatchString(f.msg)
	m := importError.FindStringSubmatch(f.msg)
	lib := sharedLib.FindString(f.msg)
	loading := handlerMissing.MatchString(f.msg) || f.says("is undefined or not exported", "Couldn't find valid bootstrap", "entrypoint requires the handler name", "fork/exec", "missing on module", "Class not found", "Entrypoint", "Error loading class", "No public method named")
	if !named && !exited && (m == nil || !f.lambda()) && (lib == "" || !f.lambda()) && !(f.lambda() && loading && f.root.Frames == nil) {
		return nil
	}
	if m != nil && !named && inOwnCode(f) && !loadError.MatchString(f.root.Type+f.msg) {
		return nil
	}
	d := f.finding(diagnose.LambdaPackaging, diagnose.Certain, diagnose.No)
	fn := f.functionOr()
	what := quoted(f.msg)
	d.Title = upper(fn) + " could not be loaded or started"
	d.RootCause = fmt.Sprintf("%s failed before its handler ran: its code could not be loaded or started%s%s.", upper(fn), inChild(f), saying(f.msg))
	var steps []string
	switch {
	case (handlerMissing.MatchString(f.msg) || f.says("HandlerNotFound", "NoHandler", "MalformedHandler", "is undefined or not exported", "missing on module", "No public method named", "requires the handler name")) && !f.says("Unable to import", "Cannot find module", "No module named"):
		d.Title = "The handler of " + fn + " is not found"
		d.RootCause = fmt.Sprintf("The handler setting of %s and what its code exports do not match%s.", fn, or(saying(f.msg), ""))
		d.Explanation = "The setting is FILE.FUNCTION (Java: package.Class::method, .NET: Assembly::Namespace.Class::Method): the file has to lie at that place in the package, and the function has to be defined and exported under just that name."
		steps = []string{
			"Compare the setting with the code: aws lambda get-function-configuration --function-name " + f.functionArg() + " --query '[Handler,Runtime,PackageType]'",
		}
		if step := handlerSteps[runtimeOf(f)]; step != "" {
			steps = append(steps, step)
		}
	case f.says("SyntaxError", "UserCodeSyntaxError", "import statement outside a module", "ES Module"):
		d.Explanation = "The runtime could not read the source: code written for a newer runtime version, or ES modules in a package that is read as CommonJS (or the other way round)."
		steps = []string{"Node.js: name the file .mjs or set \"type\": \"module\" in the package.json beside it, or build to CommonJS; else choose the runtime version that the code was written for."}
		if runtimeOf(f) == python {
			d.Explanation = "The runtime could not read the source: a mistake in it, or code written for a newer version of Python than the function's."
			steps = []string{"Compile it with the runtime's own version before it is packed: python3.12 -m compileall -q . (the version that the function is set to), or choose the runtime that the code was written for."}
		}
	case m != nil:
		module := firstOf(m[2:]...)
		if inner := importError.FindStringSubmatch(m[2]); m[2] != "" && inner != nil {
			module = firstOf(inner[3:]...)
		}
		if !looksLikeName(module) {
			module = "a module"
		}
		d.Title = fmt.Sprintf("%s cannot import %s", upper(fn), module)
		if runtimeOf(f) == java {
			d.Title = fmt.Sprintf("%s cannot load the class %s", upper(fn), module)
		}
		d.RootCause = fmt.Sprintf("%s cannot be loaded, as %s is not in its package or layers for the runtime in use%s.", upper(fn), module, or(saying(f.msg), ""))
		if what == "" {
			d.RootCause = fmt.Sprintf("%s cannot be loaded, as %s is not in its package or layers.", upper(fn), module)
		}
		in := runtimeOf(f)
		d.Explanation = fmt.Sprintf("The dependency was not installed into the package, lies in a folder where the runtime does not look%s, or was built for another runtime version or architecture; a file of one's own that is named like the module hides it too.", layerFolders[in])
		steps = []string{
			installSteps[in],
			"Check runtime and layers: aws lambda get-function-configuration --function-name " + f.functionArg() + " --query '[Runtime,Architectures,Layers]'",
		}
	}
	if lib != "" {
		d.Explanation = "A binary in the package was built for another system: another architecture (x86_64 and arm64), or a newer glibc than the runtime's Amazon Linux has."
		steps = []string{"Build in the runtime's own image: sam build --use-container, or docker build --platform linux/amd64 (linux/arm64 for Graviton), and set Architectures to the same."}
	}
	if f.says("InvalidEntrypoint", "fork/exec", "bootstrap", "exec format") && steps == nil {
		d.Explanation = "The image's ENTRYPOINT or the package's bootstrap does not exist, is not executable (chmod +x before zipping, no Windows line ends), or is built for another architecture than the function has."
		steps = []string{"Go: GOOS=linux GOARCH=arm64 (or amd64) CGO_ENABLED=0 go build -o bootstrap, zip it at the top level, runtime provided.al2023; images: docker build --platform linux/amd64."}
	}
	if exited && steps == nil {
		d.Explanation = "The runtime's process ended before or during the invocation without reporting an error: the program exits by itself (process.exit, sys.exit, os.Exit, a panic in init), crashes in native code, or was started with a wrong entry point."
		d.Also = []diagnose.Category{diagnose.LambdaUnhandled, diagnose.LambdaResourceExhausted}
		d.Confidence = diagnose.Likely
		if f.says("segmentation", "SIGSEGV", "signal: aborted", "SIGABRT") {
			d.Explanation += " A segmentation fault points to a native library of another version or architecture."
		}
		d.RootCause = fmt.Sprintf("The process of %s exited before it could answer%s%s.", fn, inChild(f), saying(f.msg))
	}
	if initTimeout.MatchString(f.root.Type + " " + f.msg) {
		d.Retryable = diagnose.Depends // a second start finds the runtime's files cached, as a rule
		d.Also = []diagnose.Category{diagnose.LambdaResourceExhausted, diagnose.Timeout}
	}
	if steps == nil {
		d.Explanation = or(d.Explanation, "Lambda starts the code (imports, module-level statements, extensions) before it calls the handler; something there failed or took longer than ten seconds.")
	}
	steps = append(steps, "Read the start of the log stream, where the runtime says why: aws logs tail /aws/lambda/"+f.functionArg()+" --since 1h")
	d.Remedies = []diagnose.Remedy{{Title: "Mend the package or the handler setting", Steps: steps}}
	d.Focus = f.focusField("the function called here cannot start", "Resource", "Parameters")
	d.Prevention = []string{"Invoke the deployed function once with a test event in the deployment pipeline, before traffic goes to it; a version that cannot load is then not published."}
	d.Docs = []string{"Troubleshoot deployment issues in Lambda", "Define Lambda function handlers", "Managing Lambda dependencies with layers"}
	return d
}

// runtime is the language of a function's managed runtime.
type runtime string

// The runtimes that are told apart; "" is one that the failure does not tell.
const (
	python runtime = "Python"
	node   runtime = "Node.js"
	java   runtime = "Java"
	dotnet runtime = ".NET"
	ruby   runtime = "Ruby"
)

// runtimeWords are what only one runtime says, surest first.
var runtimeWords = []struct {
	runtime runtime
	words   *lazyregexp.Regexp
}{
	{node, lazyregexp.New(`Require stack:|Cannot find (?:module|package) '|is undefined or not exported|ERR_MODULE_NOT_FOUND|MODULE_NOT_FOUND|ERR_REQUIRE_ESM|ES [Mm]odule|outside a module|\.[cm]?js\b|node_modules`)},
	{java, lazyregexp.New(`ClassNotFoundException|NoClassDefFoundError|NoSuchMethodError|Class not found: |No public method named|\bjava\.lang\.|\.java:\d`)},
	{dotnet, lazyregexp.New(`Could not load (?:file or assembly|type)|System\.IO\.FileNotFoundException|LambdaValidationException|Unable to (?:load|find) (?:type|assembly)`)},
	{ruby, lazyregexp.New(`cannot load such file|LoadError|Init<|\.rb\b|NoMethodError`)},
	{python, lazyregexp.New(`No module named|Syntax error in module|Unable to import module|cannot import name|ImportError|ModuleNotFoundError|missing on module|Bad handler|\.py\b`)},
}

// runtimeOf is the runtime of the function whose failure f tells, by its words.
func runtimeOf(f *facts) runtime {
	text := f.err + "\n" + f.root.Type + "\n" + f.root.Text
	for _, r := range runtimeWords {
		if r.words.MatchString(text) {
			return r.runtime
		}
	}
	return ""
}

// installSteps put a function's dependencies into its package, for each runtime.
var installSteps = map[runtime]string{
	python: "Install the dependencies into the package and look inside it: unzip -l function.zip; pip install -r requirements.txt -t package/ --platform manylinux2014_x86_64 --only-binary=:all: --python-version 3.12, in the runtime's version.",
	node:   "Put the dependencies into the package and look inside it: unzip -l function.zip. npm ci --omit=dev beside the code, with node_modules in the zip, or one bundled file (esbuild --bundle --platform=node). A relative path ('./prices') is a file of your own: it has to be in the zip, spelled as in the code, upper and lower case too. The AWS SDK version 2 (aws-sdk) is not in the runtimes from Node.js 18 on.",
	java:   "Put the class into the package and look inside it: unzip -l function.jar. Build one jar with all dependencies (Maven: maven-shade-plugin; Gradle: shadowJar), or a zip with the dependencies' jars below lib/; a dependency with the scope provided or compileOnly is left out. The class file must not be newer than the runtime's Java.",
	dotnet: "Publish the function with all its assemblies and look inside the package: dotnet lambda package (or dotnet publish -c Release -r linux-x64 --self-contained false), then unzip -l; the .deps.json and .runtimeconfig.json files have to be in it.",
	ruby:   "Install the gems into the package and look inside it: bundle config set --local path vendor/bundle && bundle install, with vendor/bundle in the zip; gems with native parts have to be built in the runtime's own image (sam build --use-container).",
	"":     "Install the dependencies into the package for the runtime's version and architecture, and look inside it: unzip -l function.zip.",
}

// layerFolders are where a layer has to hold modules, for each runtime.
var layerFolders = map[runtime]string{
	python: " (a layer needs python/)",
	node:   " (a layer needs nodejs/node_modules/)",
	java:   " (a layer needs java/lib/)",
	ruby:   " (a layer needs ruby/gems/VERSION/ or ruby/lib/)",
	"":     " (a layer needs python/, nodejs/node_modules/ or java/lib/)",
}

// handlerSteps say what makes a function a handler, for each runtime.
var handlerSteps = map[runtime]string{
	python: "Python: the setting FILE.FUNCTION asks for FILE.py at the top level of the package (FOLDER/FILE.FUNCTION below it) and in it, at module level, def FUNCTION(event, context).",
	node:   "Node.js: export it (exports.handler = …, or export const handler in an .mjs file or with \"type\": \"module\"); a bundler may have renamed or dropped it.",
	java:   "Java: the setting package.Class::method asks for a public class with that public method in the jar; without ::method the class has to implement RequestHandler or RequestStreamHandler.",
	dotnet: ".NET: the setting Assembly::Namespace.Class::Method asks for a public method of a public class, under the assembly's name as it was built.",
	ruby:   "Ruby: the setting FILE.METHOD asks for FILE.rb at the top level of the package with def METHOD(event:, context:), or FILE.Module::Class.METHOD.",
}

func inOwnCode(f *facts) bool { _, ok := f.root.OwnFrame(); return ok }

func firstOf(items ...string) string {
	for _, s := range items {
		if s != "" {
			return s
		}
	}
	return ""
}

// LambdaEnvironment sees a function that Lambda cannot set up: network, keys, file system, state.
var LambdaEnvironment = &diagnose.Rule{
	Name:  "lambda-environment",
	Doc:   "Lambda cannot set the function up: ENI, subnet, security group, KMS key, EFS, SnapStart, or a function that is not active.",
	Check: one(lambdaEnvironment),
}

// environments are Lambda's own exceptions while it makes an environment for a function.
var environments = []struct {
	names     []string
	category  diagnose.Category
	retryable diagnose.Retryable
	cause     string
	step      string
}{
	{[]string{"ENILimitReachedException", "ENILimitReached"}, diagnose.Quota, diagnose.Yes, "the limit of network interfaces (ENIs) in the VPC is reached", "Free network interfaces, or ask for a higher limit in Service Quotas (VPC, network interfaces per region)."},
	{[]string{"SubnetIPAddressLimitReachedException"}, diagnose.Quota, diagnose.Yes, "its subnets have no free IP address left", "Give the function larger or further subnets, in at least two zones."},
	{[]string{"EC2ThrottledException", "Ec2ThrottledException"}, diagnose.Throttling, diagnose.Yes, "EC2 throttled the calls that make its network interface", "Retry with back-off; it passes."},
	{[]string{"EC2AccessDeniedException"}, diagnose.Permission, diagnose.No, "its role may not manage network interfaces in the VPC", "Attach the managed policy AWSLambdaVPCAccessExecutionRole to the function's role (ec2:CreateNetworkInterface, ec2:DescribeNetworkInterfaces, ec2:DeleteNetworkInterface)."},
	{[]string{"EC2UnexpectedException"}, diagnose.ServiceError, diagnose.Yes, "EC2 failed unexpectedly while its network was set up", "Retry with back-off."},
	{[]string{"InvalidSubnetIDException", "InvalidSecurityGroupIDException"}, diagnose.Configuration, diagnose.No, "a subnet or security group of its VPC setting does not exist", "Correct VpcConfig: the subnets and security groups have to exist and belong to one VPC."},
	{[]string{"KMSAccessDeniedException"}, diagnose.Permission, diagnose.No, "Lambda may not decrypt its environment variables with the KMS key", "Allow the function's role kms:Decrypt on the key, in the role's policy and in the key's. A role that was deleted and made anew needs the function's key grant renewed: set the function's role to another one and back."},
	{[]string{"KMSDisabledException"}, diagnose.Configuration, diagnose.No, "the KMS key of its environment variables is disabled", "Enable the key: aws kms enable-key --key-id KEY, or choose another for the function."},
	{[]string{"KMSInvalidStateException"}, diagnose.Configuration, diagnose.No, "the KMS key of its environment variables is in a state in which it cannot be used (pending deletion)", "Cancel the key's deletion (aws kms cancel-key-deletion) and enable it, or choose another key."},
	{[]string{"KMSNotFoundException"}, diagnose.ResourceNotFound, diagnose.No, "the KMS key of its environment variables does not exist", "Set another KMS key for the function and deploy its environment again."},
	{[]string{"EFSMountConnectivityException", "EFSMountTimeoutException"}, diagnose.Network, diagnose.Depends, "it could not reach or mount its EFS file system in time", "Open port 2049 (NFS) between the function's security group and the mount targets', with a mount target in each of its subnets' zones."},
	{[]string{"EFSMountFailureException"}, diagnose.Configuration, diagnose.No, "mounting its EFS file system failed", "Check the access point, and elasticfilesystem:ClientMount (and ClientWrite) for the function's role and in the file system's policy."},
	{[]string{"EFSIOException"}, diagnose.ServiceError, diagnose.Depends, "reading or writing its EFS file system failed", "Check the file system's burst credits and the limit of its access point; retry."},
	{[]string{"SnapStartException", "SnapStartTimeoutException"}, diagnose.LambdaPackaging, diagnose.Depends, "its SnapStart snapshot could not be made or restored", "Look into the log for the error of the runtime hooks (beforeCheckpoint, afterRestore), and publish a new version."},
	{[]string{"SnapStartNotReadyException"}, diagnose.Concurrency, diagnose.Yes, "its SnapStart snapshot is still being made", "Wait until the version is Active before it is called: aws lambda wait published-version-active."},
	{[]string{"ResourceNotReadyException"}, diagnose.Concurrency, diagnose.Yes, "the function was idle for long and is being set up again (Inactive, Pending)", "Retry after some seconds."},
	{[]string{"InvalidRuntimeException"}, diagnose.LambdaPackaging, diagnose.No, "its runtime is not supported any more or not valid", "Choose a supported runtime and deploy the function again."},
	{[]string{"InvalidZipFileException"}, diagnose.LambdaPackaging, diagnose.No, "Lambda could not unzip its package", "Build the zip file again and deploy it."},
	{[]string{"RecursiveInvocationException"}, diagnose.Configuration, diagnose.No, "Lambda detected a recursive loop of invocations and stopped it", "Break the loop: the function must not write to what triggers it; or allow it on purpose with put-function-recursion-config."},
}

func lambdaEnvironment(f *facts) *diagnose.Finding {
	name := exception(or(f.root.Type, f.err))
	byErr := exception(f.err)
	for _, e := range environments {
		if !contains(e.names, name) && !contains(e.names, byErr) {
			continue
		}
		if f.lambda() || f.task.known && f.task.service != "lambda" {
			return nil
		}
		d := f.finding(e.category, diagnose.Certain, e.retryable)
		d.Title = fmt.Sprintf("Lambda cannot set up %s: %s", f.functionOr(), e.cause)
		d.RootCause = fmt.Sprintf("Lambda could not make an environment for %s, as %s.", f.functionOr(), e.cause)
		d.Explanation = "The code did not run: Lambda makes the function's environment (network interface, decrypted variables, file system) before it calls the handler."
		if name == "RecursiveInvocationException" {
			d.Title = fmt.Sprintf("Lambda stopped %s, as it sets itself off again and again", f.functionOr())
			d.RootCause = fmt.Sprintf("Lambda did not invoke %s, as %s.", f.functionOr(), e.cause)
			d.Explanation = "Lambda counts how often an event has gone round through the same function and SQS, SNS or S3, and stops at about 16 rounds."
		}
		d.Remedies = []diagnose.Remedy{{Title: "Mend the function's set-up", Steps: []string{e.step, "Then test it alone: aws lambda invoke --function-name " + f.functionArg() + " out.json"}}}
		if e.retryable == diagnose.Yes {
			d.Remedies = append(d.Remedies, f.retryRemedy("Retry with back-off and jitter"))
		}
		d.Focus = f.focusField("this function cannot be set up", "Resource", "Parameters")
		d.Prevention = []string{"Deploy network, key and function together, and test-invoke the function before the state machine uses it."}
		d.Docs = []string{"Troubleshoot invocation issues in Lambda", "Giving Lambda functions access to resources in an Amazon VPC"}
		return d
	}
	return nil
}

// LambdaException sees an error that a function's own code raised.
var LambdaException = &diagnose.Rule{
	Name:  "lambda-exception",
	Doc:   "A Lambda function's own code raised an error that nobody handled: names type, message, file and line.",
	Check: one(lambdaException),
}

var keyError = lazyregexp.New(`^'?"?([\w.-]{1,60})"?'?$`)

func lambdaException(f *facts) *diagnose.Finding {
	if !f.lambda() && !f.raisedByFunction() || lambdaTimeout(f) != nil || strings.HasPrefix(f.root.Type, "Runtime.") && f.root.Type != "Runtime.UnhandledPromiseRejection" && f.root.Type != "Runtime.MarshalError" && f.root.Type != "Runtime.UnmarshalError" {
		return nil
	}
	s := f.signal()
	if s.category != "" && (s.sure || f.root.Action != "") || f.upstream() != 0 {
		return nil
	}
	if exitedEarly.MatchString(f.msg) || lambdaMemory(f) != nil || lambdaPackaging(f) != nil || relayedExecution(f) || f.tokenIsDead() || f.modelTrouble() || f.apiInput() {
		return nil
	}
	d := f.finding(diagnose.LambdaUnhandled, diagnose.Certain, diagnose.Depends)
	kind := or(f.root.Type, f.err)
	if s.category != "" || !f.lambda() || !ownMistake.MatchString(exception(kind)) {
		d.Confidence = diagnose.Likely // what it met may come from elsewhere
	}
	if !looksLikeName(kind) {
		kind = "an error"
	}
	at := ""
	if frame, ok := f.root.OwnFrame(); ok {
		at = fmt.Sprintf(" at %s:%d (line %d", short(frame.File), frame.Line, frame.Line)
		if frame.Function != "" && looksLikeName(frame.Function) {
			at += ", in " + frame.Function
		}
		at += ")"
	}
	fn := f.functionOr()
	d.Title = fmt.Sprintf("%s raised %s", upper(fn), kind)
	d.RootCause = fmt.Sprintf("The code of %s raised %s%s and did not handle it%s%s.", fn, kind, at, inChild(f), saying(f.msg))
	d.Retryable, d.Explanation = ofException(kind, f.msg)
	if f.msg == "" {
		d.Explanation = "The error was raised without a message; its type and the stack trace are all that Step Functions was told. " + d.Explanation
	}
	d.Focus = f.focusField("the function called here raised "+kind, "Resource", "Parameters")
	look := "aws logs filter-log-events --log-group-name /aws/lambda/" + f.functionArg() + " --filter-pattern ERROR"
	if id := f.root.Get("requestId"); looksLikeName(id) && len(id) > 20 {
		look = "aws logs filter-log-events --log-group-name /aws/lambda/" + f.functionArg() + " --filter-pattern '\"" + id + "\"'"
	}
	where := "the code"
	if at != "" {
		where = strings.TrimPrefix(strings.SplitN(at, " (", 2)[0], " at ")
	}
	d.Remedies = []diagnose.Remedy{{Title: "Mend the code or the input it was given", Steps: []string{
		fmt.Sprintf("Look at %s, with the input of %s as the history recorded it.", where, f.ofState()),
		"Read the log of that invocation: " + look,
	}}, {Title: "Let the workflow tell expected errors from bugs", Steps: []string{
		fmt.Sprintf("Catch the expected ones by name: {\"ErrorEquals\": [%s], \"ResultPath\": \"$.error\", \"Next\": \"…\"}; retry only those that can pass.", jsonString(f.nameToCatch(kind))),
	}}}
	d.Remedies = append(d.Remedies, f.catchRemedy()...)
	d.Prevention = []string{"Let the function raise errors of its own types (they become the error name of the state), with what was wrong in the message, and test it with the input that failed."}
	d.Docs = []string{"Handling errors in Step Functions workflows", "Lambda function errors in Step Functions"}
	return d
}

// nameToCatch is the error as a Catch of this execution has to name it, else kind.
func (f *facts) nameToCatch(kind string) string {
	if name := f.top.Error; f.nested == nil && name != "" && looksLikeName(name) {
		return name
	}
	return kind
}

// raisedByFunction reports an error name that is none of Step Functions' or Lambda's, from a task that calls a function.
func (f *facts) raisedByFunction() bool {
	return f.nested == nil && f.task.service == "lambda" && !f.task.sdk && f.task.pattern == "" && f.err != "" &&
		!strings.HasPrefix(f.err, "States.") && !strings.HasPrefix(f.err, "Lambda.") && !strings.HasPrefix(f.err, "Sandbox.") && f.root.Shape != diagnose.ServiceCause
}

// ownMistake are exception types that code raises by itself, whatever it calls.
var ownMistake = lazyregexp.New(`^(?:KeyError|TypeError|AttributeError|NameError|UnboundLocalError|IndexError|ReferenceError|ZeroDivisionError|NotImplementedError|AssertionError|IndentationError|RecursionError|RangeError|NoMethodError|NullPointerException|NullReferenceException|ArrayIndexOutOfBoundsException|IndexOutOfBoundsException|IndexOutOfRangeException|ClassCastException|InvalidCastException|ArithmeticException|DivideByZeroException|JSONDecodeError|UnicodeDecodeError)$`)

func short(file string) string {
	file = strings.TrimPrefix(file, "/var/task/")
	if !looksLikeName(file) {
		return "its own code"
	}
	return file
}

// ofException says what the commoner exception types mean, and whether trying again can help.
func ofException(kind, msg string) (diagnose.Retryable, string) {
	no := diagnose.No
	k := strings.TrimSuffix(exception(kind), "Exception")
	if wrapping.MatchString(k) {
		if chain := wrapped.FindAllStringSubmatchIndex(msg, 8); chain != nil {
			last := chain[len(chain)-1]
			return ofException(msg[last[2]:last[3]], msg[last[1]:])
		}
	}
	switch k {
	case "MarshalError":
		return no, "The handler ran to its end, and what it returned cannot be written as JSON: dates, Decimal numbers (as DynamoDB's client gives them), bytes, sets and objects of classes have no form there. Return texts and plain numbers: json.loads(json.dumps(result, default=str))."
	case "UnmarshalError":
		return no, "What the function was given is not the JSON that its runtime or handler takes."
	case "KeyError":
		if m := keyError.FindStringSubmatch(strings.TrimSpace(msg)); m != nil {
			return no, fmt.Sprintf("The code looks up the key %s, and what it was given does not have it.", m[1])
		}
		return no, "The code looks up a key that what it was given does not have."
	case "TypeError", "NullPointer", "NullReference", "AttributeError", "NoMethodError", "ReferenceError", "UndefinedError":
		return no, "A value is missing (null, None, undefined) or of another type than the code expects: compare the input that the state was given with what the code reads at that place. The same input would fail again."
	case "IndexError", "IndexOutOfRange", "ArrayIndexOutOfBounds", "IndexOutOfBounds", "StopIteration", "NoSuchElement":
		return no, "The code takes an item of a list that has fewer, often an empty one."
	case "JSONDecodeError", "SyntaxError", "JsonParse", "JsonProcessing", "MismatchedInput", "JsonMapping", "UnrecognizedProperty", "InvalidFormat", "JsonEOF", "JsonSyntax", "MalformedJson", "Json", "UnmarshalTypeError", "ParserError":
		return no, "The text that the code parses is not the JSON it expects (empty, HTML, already parsed, or cut off): check the content before it is parsed."
	case "FileNotFoundError", "ENOENT":
		if strings.Contains(msg, "/tmp/") {
			return diagnose.Depends, "The file is not in /tmp, which belongs to one environment of the function: what an earlier invocation or another function put there is not there for this one. What fetches the file failed before, or did not run."
		}
		return no, "The file or program is not where the code looks for it, neither in the package nor in its layers."
	case "UnicodeDecodeError", "DecodeError", "binascii.Error", "Error: Incorrect padding":
		return no, "What the code decodes is in another encoding than it expects."
	case "ValueError", "ValidationError", "DateTimeParse", "DateTime", "UnsupportedTemporalType", "IllegalArgument", "Argument", "ArgumentError", "ArgumentNull", "NumberFormat", "InvalidOperation", "DecimalException", "InvalidInput", "BadRequest", "AssertionError", "ZodError", "Format", "ZeroDivisionError", "InvalidInputError":
		return no, "The code refuses or cannot handle a value of its input; the same input would be refused again."
	case "NameError", "UnboundLocalError", "RecursionError", "NotImplementedError", "NotImplemented", "IndentationError", "MissingMethod":
		return no, "This is a mistake in the code itself, whatever the input."
	}
	switch family := familyOf(kind); {
	case family == waiting || waits.MatchString(msg) || transitional.MatchString(msg) && !commonType.MatchString(k):
		return diagnose.Yes, "The error says that something is not ready, busy or asked too often at the moment: that passes, so retry it after a while, with back-off."
	case commonType.MatchString(k) && !endOfData.MatchString(msg):
		// the type says nothing
	case family == passing || endOfData.MatchString(msg):
		return diagnose.Depends, "The error's name or words say that something did not answer, was busy or broke off, which may pass: a retry can help where the work bears being done twice."
	case family == standing:
		return no, "The error's name says that the code found its input or what it needs to be wrong, which a retry with the same input finds again."
	}
	switch {
	case strings.Contains(msg, "Errno 38"):
		return no, "Lambda's environment has no shared memory (/dev/shm), so that multiprocessing pools, queues and semaphores do not work there: use threads, multiprocessing.Process with a Pipe, or a setting of the library that keeps it from it."
	case localDenied.MatchString(msg):
		return no, "The file system refuses it: a Lambda function can write below /tmp only, and what lies in the package has to be readable and, where it is a program, executable for everybody (chmod 755 before it is zipped)."
	case strings.Contains(msg, "Read-only file system"):
		return no, "In a Lambda function only /tmp can be written to: let the code and its libraries put files, caches and home directories there."
	}
	if refuses.MatchString(msg) && !nothingSaid.MatchString(msg) {
		return no, "The message says that the code refuses what it was given or found: the same input would be refused again."
	}
	if !commonType.MatchString(k) && (stateOfThings.MatchString(k) && msg != "" || saidAbsent.MatchString(msg)) {
		return no, "The error speaks of a state of things and not of a mishap: a retry with the same input is likely to find it again."
	}
	return diagnose.Depends, "Whether a retry can help depends on what the code does at that place: not where it refuses its input, perhaps where it calls something else."
}

var (
	// wrapping are exceptions that only carry another one, whose name and words they repeat.
	wrapping = lazyregexp.New(`^(?:UncheckedIO|Execution|UncheckedExecution|Completion|Runtime|InvocationTarget|UndeclaredThrowable|ExceptionInInitializerError|NestedServlet|Aggregate|TargetInvocation|TypeInitialization|IO|Exception|Error)?$`)
	// wrapped is the name of an exception in front of its words, inside another's.
	wrapped = lazyregexp.New(`(?:^|: |\(|\n)((?:[A-Za-z_]\w*\.)+[A-Z]\w*(?:Exception|Error)): `)
)

// family is what the name of an exception says of a retry.
type family int

const (
	unknownFamily family = iota
	waiting              // what passes by itself
	passing              // what may pass
	standing             // what is found again
)

// familyOf reads the words in an exception's name: UpstreamTimeoutError,
// OrderValidationException.
func familyOf(name string) family {
	name = exception(name)
	switch {
	case waitingName.MatchString(name):
		return waiting
	case passingName.MatchString(name):
		return passing
	case standingName.MatchString(name):
		return standing
	}
	return unknownFamily
}

var (
	waitingName  = lazyregexp.New(`(?i)unavailable|throttl|toomanyrequests|ratelimit|rate_limit|transient|temporar|^retryable|^retry(?:able)?(?:error|exception)?$|tryagain|busy|notready|not_ready|notyet|pending|inprogress|in_progress|still|queued|(?:^|job|task|query|export|import)(?:is)?running|notfinished|notcomplete|notdone|deadlock|overload|(?:resource|record|row|table|file|item|object|state|job|document)s?_?locked|lock_?(?:held|timeout|acquisition|notacquired|unavailable|conflict)`)
	passingName  = lazyregexp.New(`(?i)time-?_?d?_?out|deadline|retries|attempts|stale|optimistic|outputpars|llm|connection|network|retryable|internalserver|servererror|serviceerror|locked|backoff|interrupted|aborted$|econn|etimedout`)
	standingName = lazyregexp.New(`(?i)valid|missing|required|notfound|not_found|doesnotexist|nosuch|denied|forbidden|unauthori|unsupported|notsupported|not_supported|duplicate|alreadyexists|already_exists|parse|parsing|schema|malformed|format|decod|encoding|unicode|typeerror|wrongtype|mismatch|notimplemented|reject|illegal|badrequest|bad_request|corrupt|empty|nodata|nocontent|outofrange|toolarge|toolong|integrity|constraint|assert|precondition|insufficientfunds|declined|expired|config|quality|checkfailed|expectation|violation`)
	// waits are words that ask for patience.
	waits = lazyregexp.New(`(?i)\btry again|\bretry (?:later|in \d)|temporarily|\bnot (?:yet )?(?:ready|available yet|finished|complete[d]? yet)\b|still (?:pending|in progress|running|creating|processing)|\bis busy\b|too many requests|\brate limit`)
	// endOfData is a stream or connection that broke off.
	endOfData = lazyregexp.New(`(?i)unexpected (?:EOF|end of (?:file|stream))|connection (?:was )?(?:closed|reset|lost)|broken pipe|premature`)
)

var (
	// localDenied is the function's own file system that says no.
	localDenied = lazyregexp.New(`(?i)(?:Errno 13|EACCES|permission denied)\b.{0,40}['"]?/(?:var/task|var/lang|opt|tmp|home|root|usr|etc)\b|fork/exec /\S+: permission denied`)
	// commonType are types that say nothing but that something went wrong.
	commonType = lazyregexp.New(`^(?:Base|Standard|System|Unknown|Unhandled|Generic|Internal|App|Application)?(?:Exception|Error|RuntimeError|Runtime|errorString|wrapError|OSError|IOError|IO|Failure|Fatal|Function<\w+>|StandardError|UnhandledPromiseRejection|FileNotFoundError|ENOENT|SystemExit|Execution|CalledProcessError|CalledProcess|ProcessExecution)?$`)
	// stateOfThings are names that say how things are: OutOfStock, CustomerNotVerified, AccountClosed.
	stateOfThings = lazyregexp.New(`(?:^|[a-z_])(?:Not|No|Non|Out|Over|Under|Without|Wrong|Bad|Too|Already|Insufficient)_?[A-Z]|(?i:unknown|ineligible|closed|suspended|blocked|cancel|full|exceeded|violat|conflict|disabled|inactive|deleted|unverified|untrusted|negative)`)
	saidAbsent    = lazyregexp.New(`(?i)\bnot_?found\b|_not_found|does not exist|no such\b`)
	// nothingSaid is a message that is none.
	nothingSaid = lazyregexp.New(`(?i)^\W*(?:undefined|null|none|nil|\[object object\]|unknown(?: error)?|error)\W*$`)
)

var refuses = lazyregexp.New(`(?i)\bmissing\b|\brequired\b|\binvalid\b|\bmust\b|too long|too short|not (?:valid|allowed|supported|a number|json)|unsupported|expect(?:ed|ing)|undefined|\bnull\b|\bNone\b|cannot (?:read|parse|decode|convert)|below|above|out of range|unknown|malformed|decode|parse|(?:contains|has|have) no\b|\b(?:0|zero|no) (?:data|files?|records?|rows?|items?|results?|objects?)\b|does not exist|syntax[ _]error|is not (?:set|configured|defined)|\bunmarshal\b|\binsufficient\b|\b(?:declined|rejected|ineligible|suspended|blocked|duplicate|mismatch)\b|out of stock|\b(?:is|are) (?:already |sold )?(?:full|out|closed|cancelled|disabled|expired|locked out)\b|does(?: not|n't) (?:match|belong|contain|support|satisfy)|\bhas not (?:been )?\w+ed\b|not (?:enough|eligible|approved|verified)|\balready\b|\bno longer\b|\bexceeds?\b|cannot be (?:used|cast|assigned|applied|negative|empty)|at most \d+|\bno [a-z]+ in (?:the )?(?:file|input|event|payload|message|document|row|record|object)\b|not implemented|read-only file system|operation not permitted|\bis empty\b|\bempty (?:file|list|input|payload|body)\b`)

// LambdaUnknown sees a Lambda failure without a cause to read.
var LambdaUnknown = &diagnose.Rule{
	Name:  "lambda-unknown",
	Doc:   "Lambda.Unknown or a function error without details: most often a crash or a time-out whose words are only in the log.",
	Check: one(lambdaUnknown),
}

// exitedEarly is how Lambda once said that the process was gone.
var exitedEarly = lazyregexp.New(`(?i)process exited before completing (?:the )?request`)

func lambdaUnknown(f *facts) *diagnose.Finding {
	early := exitedEarly.MatchString(f.msg)
	if f.lambda() && f.root.Message != "" && !early || timedOutAfter.MatchString(f.root.Text) {
		return nil
	}
	handled := f.errorIs("Lambda.AWSLambdaException") && (f.msg == "Unhandled" || f.msg == "Handled")
	if !handled && !early && !f.errorIs("Lambda.Unknown", "Lambda.ClientExecutionTimeoutException") && !f.says("Step Functions cannot determine whether Lambda successfully received the call") {
		return nil
	}
	d := f.finding(diagnose.LambdaResourceExhausted, diagnose.Hypothesis, diagnose.Depends)
	d.Also = []diagnose.Category{diagnose.LambdaUnhandled, diagnose.ServiceError}
	if f.says("ClientExecutionTimeout", "cannot determine whether") {
		d.Category, d.Confidence, d.Retryable = diagnose.ServiceError, diagnose.Likely, diagnose.Yes
		d.Also = []diagnose.Category{diagnose.Network, diagnose.LambdaResourceExhausted}
	}
	if early {
		d.Retryable = diagnose.No
	}
	if handled {
		d.Category, d.Also = diagnose.LambdaUnhandled, []diagnose.Category{diagnose.LambdaResourceExhausted}
	}
	d.Title = upper(f.functionOr()) + " failed without saying why"
	d.RootCause = fmt.Sprintf("%s ended without an error that Step Functions could read (Lambda.Unknown): it was cut off (memory, time limit, a crash), or its answer was lost.", upper(f.functionOr()))
	if early {
		d.RootCause = fmt.Sprintf("The process of %s was gone before it had answered%s: it crashed, left by itself (process.exit, sys.exit), or was killed for its memory.", f.functionOr(), saying(f.msg))
	}
	d.Explanation = "Lambda gives no error type when the process is ended from outside. The REPORT and END lines in the log tell time and memory used."
	d.Remedies = []diagnose.Remedy{{Title: "Read the log of that invocation", Steps: []string{"aws logs tail /aws/lambda/" + f.functionArg() + " --since 1h   (look for “Task timed out”, “Runtime exited”, and Max Memory Used)"}},
		f.retryRemedy("Retry once it is known that the function may run twice")}
	d.Prevention = []string{"Log the request id at the start of the handler, so that an invocation that ends without a word can be found."}
	d.Docs = []string{"Troubleshoot invocation issues in Lambda"}
	return d
}
