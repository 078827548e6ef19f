# What is watched

variable "state_machine_arns" {
  type        = list(string)
  description = "ARNs of the state machines whose failures are explained, without version or alias. The role may read these and no others; name the machines that they start as well, so that a nested failure can be followed."

  validation {
    condition     = length(var.state_machine_arns) > 0
    error_message = "Give the ARN of one state machine or more."
  }
  validation {
    condition     = alltrue([for arn in var.state_machine_arns : can(regex("^arn:aws(-[a-z]+)*:states:[a-z0-9-]+:[0-9]{12}:stateMachine:[^:*?]+$", arn))])
    error_message = "Each is an ARN like arn:aws:states:eu-west-1:123456789012:stateMachine:order, with no version, alias or wildcard."
  }
}

variable "statuses" {
  type        = set(string)
  description = "The ends of an execution that are told of: FAILED, TIMED_OUT and ABORTED, or some of them."
  default     = ["FAILED", "TIMED_OUT", "ABORTED"]

  validation {
    condition     = length(var.statuses) > 0 && length(setsubtract(var.statuses, ["FAILED", "TIMED_OUT", "ABORTED"])) == 0
    error_message = "Each is FAILED, TIMED_OUT or ABORTED, and there is one at least."
  }
}

variable "function_arns" {
  type        = list(string)
  description = "ARNs of the Lambda functions that the workflows call, without version or alias. Their logs and settings are evidence; without this the diagnosis says what it could not read."
  default     = []

  validation {
    condition     = alltrue([for arn in var.function_arns : can(regex("^arn:aws(-[a-z]+)*:lambda:[a-z0-9-]+:[0-9]{12}:function:[a-zA-Z0-9_-]+$", arn))])
    error_message = "Each is an ARN like arn:aws:lambda:eu-west-1:123456789012:function:charge-card, with no version, alias or wildcard."
  }
}

variable "log_group_names" {
  type        = list(string)
  description = "Further log groups that may be read, for functions that do not log to /aws/lambda/NAME."
  default     = []

  validation {
    condition     = alltrue([for name in var.log_group_names : can(regex("^[a-zA-Z0-9_/.#-]{1,512}$", name))])
    error_message = "Each is the name of a log group, with no wildcard."
  }
}

variable "express_log_group_names" {
  type        = set(string)
  description = "Log groups of Express workflows. They send no events when they fail, so their logs are subscribed to instead; the workflow has to log at level ERROR or ALL."
  default     = []

  validation {
    condition     = alltrue([for name in var.express_log_group_names : can(regex("^[a-zA-Z0-9_/.#-]{1,512}$", name))])
    error_message = "Each is the name of a log group, with no wildcard."
  }
}

variable "state_machine_role_names" {
  type        = set(string)
  description = "Names of the execution roles of instrumented state machines: each is allowed to call the troubleshooter and to publish to the topic. Where somebody else keeps these roles, give them the output state_machine_policy_json."
  default     = []

  validation {
    condition     = alltrue([for name in var.state_machine_role_names : can(regex("^[a-zA-Z0-9_+=,.@-]{1,64}$", name))])
    error_message = "Each is the name of a role, with no path: not an ARN."
  }
}

# Who is told

variable "emails" {
  type        = set(string)
  description = "E-mail addresses to subscribe to the topic. Each gets a mail with a link and hears nothing until it is followed."
  default     = []

  validation {
    condition     = alltrue([for address in var.emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "Each is an e-mail address."
  }
}

variable "digest_interval" {
  type        = string
  description = "Time between two mails about equal failures, such as 1h or 30m: repeats are counted, and told of together."
  default     = "1h"

  validation {
    condition     = can(regex("^([0-9]+[hms])+$", var.digest_interval))
    error_message = "It is a duration like 1h, 30m or 1h30m."
  }
}

variable "digest_schedule" {
  type        = string
  description = "When it is looked whether repeats are to be told of: a cron or rate expression of Amazon EventBridge, in UTC. Empty: only when the next failure comes."
  default     = "rate(1 hour)"

  validation {
    condition     = var.digest_schedule == "" || can(regex("^(cron|rate)\\(.+\\)$", var.digest_schedule))
    error_message = "It is like cron(0 7 * * ? *) or rate(1 hour), or empty."
  }
}

variable "alarm_actions" {
  type        = list(string)
  description = "ARNs of what is told when the troubleshooter itself fails. By default its own topic; an empty list makes alarms that tell nobody."
  default     = null

  validation {
    condition     = var.alarm_actions == null ? true : alltrue([for arn in var.alarm_actions : can(regex("^arn:aws(-[a-z]+)*:[a-z0-9-]+:", arn))])
    error_message = "Each is an ARN, such as that of a topic."
  }
}

# The model

variable "model" {
  type        = string
  description = "Model that is asked besides the rules: id of a foundation model or of an inference profile on Amazon Bedrock, or the ARN of a profile, a provisioned or an imported model. Empty: the rules alone, and no permission for Bedrock."
  default     = ""

  validation {
    condition     = can(regex("^[a-zA-Z0-9:/._-]*$", var.model)) && !startswith(var.model, "bedrock:")
    error_message = "It is an id such as eu.anthropic.claude-haiku-4-5-20251001-v1:0 or an ARN, with no bedrock: before it."
  }
  validation {
    condition     = !can(regex(":application-inference-profile/", var.model)) || var.foundation_model != ""
    error_message = "An application inference profile does not say which model is behind it: give foundation_model too."
  }
}

variable "model_regions" {
  type        = set(string)
  description = "Regions that a geographic inference profile may lead to. By default all of its geography that are known; the permission holds through the profile alone. To see them: aws bedrock get-inference-profile --inference-profile-identifier ID --query models[].modelArn"
  default     = null

  validation {
    condition     = var.model_regions == null ? true : alltrue([for region in var.model_regions : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", region))])
    error_message = "Each is the name of a region, such as eu-west-1."
  }
}

variable "foundation_model" {
  type        = string
  description = "Id of the foundation model behind an application inference profile; only needed for one."
  default     = ""

  validation {
    condition     = can(regex("^([a-z0-9-]+\\.[a-zA-Z0-9:._-]+)?$", var.foundation_model))
    error_message = "It is an id such as anthropic.claude-haiku-4-5-20251001-v1:0, not an ARN."
  }
}

variable "guardrail" {
  type = object({
    arn     = string
    version = string
  })
  description = "Guardrail of Amazon Bedrock that is applied to questions and answers."
  default     = null

  validation {
    condition     = var.guardrail == null ? true : can(regex("^arn:aws(-[a-z]+)*:bedrock:[a-z0-9-]+:[0-9]{12}:guardrail/[a-z0-9]+$", var.guardrail.arn)) && can(regex("^([0-9]+|DRAFT)$", var.guardrail.version))
    error_message = "It is the guardrail's ARN and a version: a number, or DRAFT."
  }
}

# The function

variable "name" {
  type        = string
  description = "Name of the function, and the beginning of all other names. `stepsleuth instrument` calls stepsleuth-troubleshooter unless told otherwise."
  default     = "stepsleuth-troubleshooter"

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,40}$", var.name))
    error_message = "It has 1 to 40 letters, digits, hyphens and underscores."
  }
}

variable "package" {
  type        = string
  description = "The function's zip file, made by `stepsleuth package`. By default the one that lies beside this module's folder."
  default     = null
}

variable "architecture" {
  type        = string
  description = "Processor that the function runs on: arm64 or x86_64. The zip has to be made for it."
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "It is arm64 or x86_64."
  }
}

variable "memory_size" {
  type        = number
  description = "Memory of the function, in MB."
  default     = 128

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240
    error_message = "It is 128 to 10240."
  }
}

variable "timeout" {
  type        = number
  description = "Seconds that the function may take. The state that `stepsleuth instrument` adds waits for 60, so it should be less than that; a model may well need more than 30."
  default     = 55

  validation {
    condition     = var.timeout > 30 && var.timeout <= 900
    error_message = "It is 31 to 900: with less, a slow answer of the model would be lost."
  }
}

variable "reserved_concurrency" {
  type        = number
  description = "How many may run at once, set aside for this function. -1: no limit of its own. A burst of failures waits in Lambda's own queue."
  default     = -1

  validation {
    condition     = var.reserved_concurrency >= -1 && var.reserved_concurrency != 0
    error_message = "It is -1 or more than 0: with 0 the function would never run."
  }
}

variable "environment" {
  type        = map(string)
  description = "Further environment variables of the function."
  default     = {}

  validation {
    condition     = !contains(keys(var.environment), "STEPSLEUTH_REDACTION_KEY")
    error_message = "A key in the environment can be read by whoever sees the function's settings: give redaction_key_parameter instead."
  }
}

# Keeping

variable "redaction_key_parameter" {
  type        = string
  description = "Name of a SecureString parameter in Systems Manager that holds the key by which placeholders are made (32 bytes or more in hexadecimal). By default one is made that only this function reads; its value is in no state file."
  default     = null

  validation {
    condition     = var.redaction_key_parameter == null ? true : can(regex("^/?[a-zA-Z0-9_.-]+(/[a-zA-Z0-9_.-]+)*$", var.redaction_key_parameter))
    error_message = "It is the name of a parameter, such as /stepsleuth/redaction-key; not an ARN."
  }
}

variable "kms_key_arn" {
  type        = string
  description = "ARN of a KMS key of yours to encrypt topic, table, queue, parameter, log group and the function's environment with. Its policy has to let logs, events, cloudwatch and sns use it. By default AWS's own keys are used, and the topic is not encrypted."
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "It is the ARN of a key, not of an alias."
  }
}

variable "log_retention_days" {
  type        = number
  description = "Days that the function's own log is kept."
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch Logs takes 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

variable "table_protected" {
  type        = bool
  description = "Whether the table of incidents and its backups are protected: it cannot be deleted, and can be restored to any moment of 35 days. It holds counts and what was redacted, so most can do without."
  default     = false
}

variable "permissions_boundary_arn" {
  type        = string
  description = "ARN of the permissions boundary of the function's role, where your account wants one."
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null ? true : can(regex("^arn:aws(-[a-z]+)*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "It is the ARN of a policy."
  }
}

variable "tags" {
  type        = map(string)
  description = "Tags of everything that is made."
  default     = {}
}
