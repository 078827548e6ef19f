// Package rules holds what is known about failures of AWS Step Functions
// executions: one rule for each kind of failure, which recognises it in a
// diagnose.Case and says what happened, why, and what to do.
//
// Rules are pure. A case may hold no more than an error and a cause; where the
// definition and the recorded input are there, rules name the field, point at it
// and offer an edit. Rules know nothing of where cases come from.
package rules

import "github.com/stepsleuth/stepsleuth/diagnose"

// All returns the built-in rules, those about Step Functions itself first. A new
// rule is one file, its examples in testdata, and one line here.
func All() []*diagnose.Rule {
	return []*diagnose.Rule{
		Aborted,
		DefinitionRefused,
		MissingPath,
		ChoicePath,
		InvalidPath,
		NullInput,
		ResultPathMisfit,
		ItemsNotArray,
		WaitValue,
		NumberPath,
		RuntimeData,
		TaskFormat,
		LiteralPath,
		ChoiceNoMatch,
		JSONataFailed,
		IntrinsicFailed,
		ExplicitFail,
		HeartbeatMissed,
		TaskTimeout,
		MachineTimeout,
		HistoryFull,
		NestedFailed,
		MapThreshold,
		ItemReader,
		ResultWriter,
		DeadToken,
		CallbackFailed,
		NameTaken,
		StepFunctionsAPI,
		BranchFailed,
		LambdaTimeout,
		LambdaMemory,
		LambdaPackaging,
		LambdaEnvironment,
		LambdaException,
		LambdaUnknown,
		ECSTask,
		BatchJob,
		GlueJob,
		AthenaQuery,
		EMRStep,
		EMRServerless,
		SageMakerJob,
		BuildFailed,
		JobFailed,
		EventRejected,
		HTTPTask,
		APIGatewayStatus,
		UpstreamRefused,
		ModelAccess,
		AccessDenied,
		ManagedRule,
		AssumeRole,
		LoggingDestination,
		Credentials,
		Throttled,
		QuotaReached,
		PayloadTooLarge,
		NotFound,
		AlreadyExists,
		Conflict,
		InvalidRequest,
		UnfitSetting,
		Unreachable,
		ServiceFailed,
		Unknown,

		RetryNeverMatches,
		RetriedInVain,
		RetriesUsedUp,
		RuntimeNotCaught,
		CatcherDropsInput,
		HandlerMasksError,
		TimeoutsCrossed,
		CallbackUnbounded,
		StatusForgotten,
	}
}
