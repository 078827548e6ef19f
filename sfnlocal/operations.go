package sfnlocal

// operationNamed finds an operation of the API by its name.
func operationNamed(name string) (operation, bool) {
	switch name {
	case "CreateActivity":
		return op((*Server).createActivity), true
	case "CreateStateMachine":
		return op((*Server).createStateMachine), true
	case "CreateStateMachineAlias":
		return op((*Server).createStateMachineAlias), true
	case "DeleteActivity":
		return op((*Server).deleteActivity), true
	case "DeleteStateMachine":
		return op((*Server).deleteStateMachine), true
	case "DeleteStateMachineAlias":
		return op((*Server).deleteStateMachineAlias), true
	case "DeleteStateMachineVersion":
		return op((*Server).deleteStateMachineVersion), true
	case "DescribeActivity":
		return op((*Server).describeActivity), true
	case "DescribeExecution":
		return op((*Server).describeExecution), true
	case "DescribeMapRun":
		return op((*Server).describeMapRun), true
	case "DescribeStateMachine":
		return op((*Server).describeStateMachine), true
	case "DescribeStateMachineAlias":
		return op((*Server).describeStateMachineAlias), true
	case "DescribeStateMachineForExecution":
		return op((*Server).describeStateMachineForExecution), true
	case "GetActivityTask":
		return op((*Server).getActivityTask), true
	case "GetExecutionHistory":
		return op((*Server).getExecutionHistory), true
	case "ListActivities":
		return op((*Server).listActivities), true
	case "ListExecutions":
		return op((*Server).listExecutions), true
	case "ListMapRuns":
		return op((*Server).listMapRuns), true
	case "ListStateMachineAliases":
		return op((*Server).listStateMachineAliases), true
	case "ListStateMachineVersions":
		return op((*Server).listStateMachineVersions), true
	case "ListStateMachines":
		return op((*Server).listStateMachines), true
	case "ListTagsForResource":
		return op((*Server).listTagsForResource), true
	case "PublishStateMachineVersion":
		return op((*Server).publishStateMachineVersion), true
	case "RedriveExecution":
		return op((*Server).redriveExecution), true
	case "SendTaskFailure":
		return op((*Server).sendTaskFailure), true
	case "SendTaskHeartbeat":
		return op((*Server).sendTaskHeartbeat), true
	case "SendTaskSuccess":
		return op((*Server).sendTaskSuccess), true
	case "StartExecution":
		return op((*Server).startExecution), true
	case "StartSyncExecution":
		return op((*Server).startSyncExecution), true
	case "StopExecution":
		return op((*Server).stopExecution), true
	case "TagResource":
		return op((*Server).tagResource), true
	case "TestState":
		return op((*Server).testState), true
	case "UntagResource":
		return op((*Server).untagResource), true
	case "UpdateMapRun":
		return op((*Server).updateMapRun), true
	case "UpdateStateMachine":
		return op((*Server).updateStateMachine), true
	case "UpdateStateMachineAlias":
		return op((*Server).updateStateMachineAlias), true
	case "ValidateStateMachineDefinition":
		return op((*Server).validateStateMachineDefinition), true
	}
	return nil, false
}
