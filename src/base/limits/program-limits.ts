/** Limits of Code Mode: of the programs a model writes and of the processes they run in. */
const KiB = 1024;
const MiB = 1024 * KiB;

export const programLimits = {
  /** Characters of a program's text: some 1,500 lines, far more than a model writes at once. */
  programCharactersMax: 64 * KiB,
  /** Time one program may take to be compiled, the first one with the start of the thread; a parser can be driven to hang. */
  programCompileMs: 3_000,
  /** Programs waiting to be compiled. */
  programsCompilingMax: 100,
  /** The compiler's thread ends when it had nothing to do for this long: it holds some 30 MB. */
  compilerIdleMs: 5 * 60_000,
  /** Heap of the compiler's thread. */
  compilerHeapMiB: 256,
  /** Time the check of a program's types may take, before it runs unchecked; measured: 20 to 150 ms. */
  programCheckMs: 2_000,
  /** Programs being checked at once; more run unchecked. */
  programsCheckingMax: 8,
  /** Heap of the checker's thread, of which TypeScript with its declarations takes some 120 MiB, and the time it may have nothing to do. */
  checkerHeapMiB: 384,
  checkerIdleMs: 5 * 60_000,
  /** Characters of the tools' types up to which a program is checked: some 400 tools. */
  checkedDeclarationsMax: 200_000,
  /** Type errors a model is told at once, and the characters of each. */
  programTypeErrorsMax: 5,
  programTypeErrorCharactersMax: 300,
  /** Line breaks and semicolons from the end of a program looked through for the beginning of its last expression. */
  programTailPlacesMax: 100,

  /** Wall clock of a run, time spent in tools included. */
  programWallMs: 30_000,
  /** CPU time of a run's process: ten device histories of some MB are worked through in 0.2 s. */
  programCpuMs: 2_000,
  /** Memory a run may take beyond that of an idle sandbox. */
  programMemoryBytes: 128 * MiB,
  /** Calls of tools in a run, those made at once, and the time one may take. */
  programCallsMax: 100,
  programParallelCallsMax: 8,
  programCallMs: 15_000,
  /** A call waits for people: the time its program may take to make the other calls that belong to the same step. */
  programTurnMs: 1_000,
  /** Bytes of the JSON of one call's arguments, of one answer of a tool, and of a program's result. */
  programArgumentBytesMax: 256 * KiB,
  programAnswerBytesMax: 1 * MiB,
  programResultBytesMax: 1 * MiB,
  /** Bytes that cross into and out of the sandbox in a run, in total. */
  programBytesInMax: 16 * MiB,
  programBytesOutMax: 4 * MiB,
  /** Lines a program may log, and their bytes. */
  programLogLinesMax: 200,
  programLogBytesMax: 64 * KiB,
  /** Nesting of JSON that crosses, and its values: every later walk over it is bounded. */
  programJsonDepthMax: 64,
  programJsonValuesMax: 100_000,
  /** Characters of an error's text that crosses, in either direction. */
  programErrorCharactersMax: 2_000,
  /** Timers a program may have set at once. */
  programTimersMax: 100,

  /** Highest values a budget may ask for; the address space of a sandbox is cut at the memory's. */
  programWallMaxMs: 10 * 60_000,
  programCpuMaxMs: 60_000,
  programMemoryMaxBytes: 512 * MiB,
  programCallsCeiling: 1_000,

  /** Runs at once, per core, and runs that wait for their turn. */
  programRunsPerCore: 2,
  programRunsWaitingMax: 50,
  /** Sandboxes started ahead, per engine: each is a process of 40 to 60 MB of which most is shared. */
  sandboxesIdleMax: 2,
  /** An idle sandbox is ended after this without being replaced: who does not use Code Mode pays nothing. */
  sandboxIdleMs: 5 * 60_000,
  /** Time a sandbox may take from its start until it is ready; a slow disk reads 160 MB first. */
  sandboxStartMs: 20_000,
  /** Time between two looks at a sandbox's CPU time and memory. */
  sandboxSampleMs: 20,
  /** Data segment of an idle workerd: V8 reserves it without using it. */
  workerdReservedBytes: 540 * MiB,
  /** Heap of the child of the QuickJS engine itself, beside the program's memory. */
  quickjsHeapMiB: 64,
  /** Stack of QuickJS. */
  quickjsStackBytes: 192 * KiB,

  /** Tools offered to a run, over all namespaces. */
  programToolsMax: 2_000,
  /** Tools beyond which a model gets `search` and `describe` instead of all declarations. */
  declaredToolsMax: 40,
  /** Characters of all declarations, beyond which it is the same: some 3,000 tokens that every turn reads again. */
  declarationsMax: 12_000,
  /** Characters of one tool's description in a declaration, and of one type. */
  declarationTextMax: 1_000,
  declarationTypeMax: 8_000,
  /** Nesting of a type in a declaration; below it stands `unknown`. */
  declarationDepthMax: 8,
  /** Results of one search. */
  toolSearchResultsMax: 20,
  /** Steps of checking one call's arguments against a schema, which may come from elsewhere. */
  schemaStepsMax: 50_000,
  /** Secrets a redactor looks for. */
  redactedSecretsMax: 1_000,

  /** Characters of a program's value that its model is told, some 6,000 tokens; and of what the program logged. */
  programValueCharactersMax: 24_000,
  programLogCharactersTold: 4_000,
  /** Programs of one turn of a chat that may fail: a model that did not find it by then does not find it. */
  programFailuresPerTurnMax: 3,
  /** Programs of one agent that wait for people. */
  programsPausedMax: 20,
  /** Bytes of what is kept of a program that waits: its text, and what its calls were answered. */
  programRecordBytesMax: 512 * KiB,
  /** Runs whose whole records an agent keeps; the hashes of all are in the audit log. */
  programRunsKept: 50,
  /** Bytes of one such record; of a larger one its hash is kept. */
  programRunRecordBytesMax: 64 * KiB,
} as const;
