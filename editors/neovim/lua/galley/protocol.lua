---The messages between Galley's server and its clients: types only, no behaviour.
---Written after the server's schema (`galley protocol schema`); a test of the repository fails when a field is missing here.

---@alias galley.Mode 'fix'|'implement'|'refactor'|'tests'|'document'|'explain'|'free'
---@alias galley.TaskState 'queued'|'planning'|'exploring'|'editing'|'verifying'|'checking itself'|'proposed'|'done'|'paused'|'waiting'|'failed'|'cancelled'|'interrupted'
---@alias galley.HunkState 'pending'|'accepted'|'rejected'|'conflicted'|'obsolete'

---@class galley.Budget
---@field usd? number
---@field tokens? integer
---@field steps? integer
---@field seconds? integer

---@class galley.TaskStart
---@field goal string
---@field uri? string
---@field range? lsp.Range
---@field mode? galley.Mode
---@field scope? string[]
---@field budget? galley.Budget
---@field model? string

---@class galley.PlanItem
---@field text string
---@field state 'pending'|'active'|'done'|'dropped'
---@field items? galley.PlanItem[]

---@class galley.Step
---@field step integer
---@field tool string
---@field summary string
---@field state 'running'|'ok'|'error'
---@field ms integer
---@field detail? string

---@class galley.Usage
---@field input integer
---@field cached integer
---@field output integer
---@field reasoning integer
---@field usd? number

---@class galley.Task
---@field task string
---@field title string
---@field goal string
---@field state galley.TaskState
---@field activity string one line: what is going on now
---@field plan galley.PlanItem[]
---@field planChanges? string[] what the last replanning changed: lines that begin with +, - or ~
---@field touches? string[] what the plan reaches beyond what it names
---@field queue? {message: string, text: string}[] messages that wait
---@field scope? {paths: string[], symbols: string[], lines?: integer, protect: string[]}
---@field notes? string[] warnings, shortened conversations
---@field steps galley.Step[]
---@field usage galley.Usage
---@field phases? {phase: string, turns: integer, usage: galley.Usage}[] what of it each phase used
---@field model string
---@field recorded boolean the model's answers are a recording
---@field resumable boolean the server goes on with it when asked
---@field proposal? string
---@field message? string the final summary, or the error
---@field createdMs integer
---@field updatedMs integer
---@field workedMs integer how long it ran

---@class galley.Conflict
---@field base string
---@field yours string
---@field theirs string

---@class galley.Hunk
---@field hunk string
---@field number integer one-based in the proposal
---@field of integer
---@field state galley.HunkState
---@field wholeFile? string what it does to the file as a whole, in words
---@field range lsp.Range the lines replaced, in the document as it is now; empty: insertion before that line
---@field before string
---@field after string
---@field reason? string
---@field requires string[]
---@field neededBy string[] open hunks that are rejected with it
---@field reviewed boolean marked as looked at
---@field edited boolean the person rewrote it
---@field comment? string while the model revises it
---@field mergedByToken boolean
---@field conflict? galley.Conflict

---@class galley.FileProposal
---@field uri string
---@field path string
---@field kind 'modify'|'add'|'delete'|'move'
---@field fromUri? string
---@field version? integer
---@field hunks galley.Hunk[]

---@class galley.Evidence
---@field check string
---@field command string
---@field exitCode? integer
---@field status 'passed'|'failed'|'notRun'
---@field before? string
---@field summary string
---@field fixed string[]
---@field newlyFailing string[]
---@field stillFailing string[]
---@field flaky string[]
---@field gone string[]
---@field seconds number
---@field sandbox string
---@field hash string
---@field stale boolean

---@class galley.AcceptedChecks the check of exactly what was accepted
---@field state 'running'|'passed'|'failed'|'notRun'
---@field summary string
---@field hunks string[]
---@field lacks string[] hunks without which it fails

---@class galley.Proposal
---@field proposal string
---@field task string
---@field title string
---@field partial boolean
---@field open boolean
---@field warnings string[]
---@field evidence galley.Evidence[]
---@field acceptedChecks? galley.AcceptedChecks
---@field files galley.FileProposal[]

---@class galley.Status
---@field text string
---@field level 'ok'|'busy'|'review'|'warning'|'error'
---@field symbols integer
---@field model? string
---@field tasks integer
---@field hunks integer
---@field sandbox? string

---@class galley.AcceptResult
---@field applied boolean
---@field reason? string
---@field hunks string[]

---@class galley.ApprovalRequest
---@field approval string
---@field task string
---@field title string
---@field detail string
---@field options { id: string, label: string }[]

---@class galley.EditorDiagnostic
---@field line integer zero-based
---@field severity? integer
---@field source? string
---@field code? string
---@field message string

---@class galley.EditorDocument
---@field uri string
---@field version? integer of the text that is spoken of
---@field diagnostics galley.EditorDiagnostic[]

---@class galley.Checkpoint
---@field checkpoint string
---@field task string
---@field title string
---@field label string what was done: '2 hunks accepted', 'rolled back'
---@field atMs integer
---@field files string[]

return { version = 1 }
