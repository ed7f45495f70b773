/** Limits of the tools every device's agent offers to models. See limits.ts. */
import { KiB } from './units.ts';

export const toolLimits = {
  /** Time until a device's telemetry shows what a command did, unless its definition or the caller says otherwise. */
  effectMs: 10_000,
  /** Longest wait for it: a model and a person wait along. */
  effectMaxMs: 300_000,
  /** A device's clock may be behind by this much: what it measured earlier says nothing about a command. */
  effectClockSlackMs: 1_000,
  /** Calls that wait for an effect at once, per agent: as many as commands may be pending. */
  effectWaitsMax: 100,
  /** A call that is not committed after this was made within a turn that waits for it: nothing is sent before that ends. */
  toolCommitMs: 2_000,
  /** Calls and seconds of a rate in a policy: the times of the calls are kept. */
  policyRateCallsMax: 100,
  policyRateSecondsMax: 24 * 3600,
  /** Alerts a model may raise in an hour, unless the policy says otherwise. */
  toolNotifyPerHourMax: 20,
  /** Commands for later that tools have scheduled, per agent. */
  scheduledCommandsMax: 50,
  /** Longest delay of a command for later: what is meant to be further away is a typing mistake. */
  scheduledCommandDelayMaxMs: 366 * 24 * 3_600_000,
  /** Points of a history a model reads at once, and those it gets unless it says otherwise: some 2,000 tokens. */
  toolHistoryPointsMax: 120,
  toolHistoryPointsDefault: 24,
  /** Approvals of one agent that wait for a person, and those kept after their end, oldest dropped: each is a document. */
  approvalsPendingMax: 50,
  approvalsDecidedMax: 50,
  /** An approval is waited for this long unless the policy says otherwise, and at most: then it counts as denied. */
  approvalTtlMs: 24 * 3_600_000,
  approvalTtlMaxMs: 30 * 24 * 3_600_000,
  /** Bytes of the JSON of its arguments, and of what came of it; a person has to understand them, and lists hold copies. */
  approvalArgumentsBytesMax: 8 * KiB,
  approvalOutcomeBytesMax: 2 * KiB,
  /** Characters of the explanation, of a reason, and of a person's name. */
  approvalExplanationCharactersMax: 1_000,
  approvalReasonCharactersMax: 500,
  approvalPersonCharactersMax: 64,
  /** Approvals in one answer of the list routes. */
  approvalListMax: 1_000,
  approvalListDefault: 100,
  // --- the fleet ------------------------------------------------------------------------------------
  /** Agents looked at before other work comes in between: some 20 us each. */
  fleetScanStep: 100,
  /** Agents looked at for one answer: two seconds of looking; beyond it the answer says that it is partial. */
  fleetScanMax: 100_000,
  /** Devices listed in one answer, and unless the model says otherwise: some 1,500 tokens. */
  fleetSearchMax: 50,
  fleetSearchDefault: 20,
  /** Minutes without a word after which a device is called silent where nobody says for how long. */
  fleetSilentMinutes: 15,
  /** Metrics shown of one device in a list. */
  fleetRowMetricsMax: 6,
  /** Devices at each end of a comparison. */
  fleetCompareEnds: 5,
  /** Named groups, and members of one that has a list of them. */
  fleetGroupsMax: 100,
  fleetGroupMembersMax: 500,
  /** Characters of a prompt about the models there are: a fleet has few, but its owner may have written many. */
  fleetModelsCharactersMax: 2_000,
  /** Time the agent of a device gets to answer a question of the fleet's: a model answers it. */
  fleetAskWaitMs: 120_000,
  /** Characters of a sentence for a rule or a schedule. */
  toolSentenceCharactersMax: 500,
} as const;
