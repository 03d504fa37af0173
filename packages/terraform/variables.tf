variable "stage" {
  description = "Names the deployment: several stages live side by side in one account."
  type        = string
  default     = "prod"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,15}$", var.stage))
    error_message = "The stage must be 1 to 16 of a-z, 0-9 and -, beginning with a letter."
  }
}

variable "tags" {
  description = "Tags of the stack and of the bucket for its code."
  type        = map(string)
  default     = {}
}
