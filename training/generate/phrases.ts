/** Templates of the parts of a sentence. Each line is one template: what training never sees is held out by line. */

/** Clauses that compare {m} with {n}. */
export const COMPARED: Readonly<Record<string, readonly string[]>> = {
  '>': [
    '{m} is (above|over|past) {n}', '{m} (goes|gets|rises|climbs|moves) (above|over|past|beyond) {n}', '{m} (exceeds|passes|surpasses|tops) {n}',
    '{m} is (higher|greater|more|larger|bigger) than {n}', '{m} > {n}', '{m} (above|over) {n}', '{m} (gets|becomes|goes) higher than {n}', '{m} stays (above|over) {n}',
    '{m} has (gone|risen|climbed) (above|over|past) {n}', '{m} more than {n}', '{m} is (at|reading) more than {n}', 'there is a {b} (above|over) {n}', '{m} crosses {n} [going up|upwards]',
    '{m} shoots (above|past|over) {n}', '{m} reads (above|over|more than) {n}', '{m} remains (above|over|higher than) {n}', '{m} is (bigger|more) than {n}', 'we (have|see) [a] {b} (above|over|of more than) {n}',
    '{m} comes (in above|in over|above) {n}', '{m} climbs higher than {n}', '{m} is in excess of {n}', '{m} is back (above|over) {n}', '{m} breaks {n}', '{m} is already (above|over) {n}', '{m} keeps above {n}',
  ],
  '>=': [
    '{m} is at least {n}', '{m} (reaches|hits|gets to|comes to|rises to|climbs to) {n}', '{m} is {n} or (more|higher|above)', '{m} >= {n}', '{m} is greater than or equal to {n}',
    '{m} is not (below|under|less than) {n}', '{m} {n} or (more|higher)', '{m} is (at or above|equal to or above|no less than) {n}', '{m} goes up to {n}', '{m} at or above {n}', '{m} has reached {n}', '{m} of {n} or more',
    '{m} gets as high as {n}', '{m} arrives at {n}', '{m} is up to {n}', '{m} (is|stays) at {n} or (more|above|higher)',
  ],
  '<': [
    '{m} is (below|under) {n}', '{m} (goes|gets|falls|drops|sinks|dips) (below|under) {n}', '{m} is (lower|less|smaller) than {n}', '{m} < {n}', '{m} (below|under) {n}',
    '{m} (gets|becomes|falls|drops|goes) lower than {n}', '{m} stays (below|under) {n}', '{m} has (fallen|dropped|gone|sunk) (below|under) {n}', '{m} less than {n}', '{m} is (at|reading) less than {n}',
    'there is a {b} (below|under) {n}', '{m} crosses {n} (going down|downwards)', '{m} reads (below|under|less than) {n}', '{m} remains (below|under|lower than) {n}', 'we (have|see) [a] {b} (below|under|of less than) {n}',
    '{m} slips (below|under) {n}', '{m} is back (below|under) {n}', '{m} comes (in below|in under|below) {n}', '{m} is short of {n}', '{m} decreases (below|under) {n}', '{m} is only just below {n}', '{m} does not reach {n}',
  ],
  '<=': [
    '{m} is at most {n}', '{m} (drops to|falls to|sinks to|goes down to|comes down to|is down to) {n}', '{m} is {n} or (less|lower|below)', '{m} <= {n}', '{m} is less than or equal to {n}',
    '{m} is not (above|over|more than) {n}', '{m} {n} or (less|lower)', '{m} is (at or below|equal to or below|no more than) {n}', '{m} at or below {n}', '{m} of {n} or less', '{m} gets as low as {n}', '{m} gets to {n} or (lower|less)', '{m} (is|stays) at {n} or (less|below|lower)',
  ],
  '==': ['{m} is {n}', '{m} equals {n}', '{m} is (exactly|equal to) {n}', '{m} = {n}', '{m} == {n}', '{m} is at {n}', '{m} reads [exactly] {n}', '{m} shows {n}', '{m} stands at {n}', '{m} has been {n}'],
  '!=': ['{m} is not {n}', '{m} != {n}', '{m} is (anything but|different from|other than|no longer) {n}', '{m} is not equal to {n}', '{m} differs from {n}', '{m} does not equal {n}'],
};

/** With the adjective of a known metric: {more} than {n}. */
export const QUALIFIED: Readonly<Record<string, readonly string[]>> = {
  '>': ['{subject} is {more} than {n}', '{subject} gets {more} than {n}', '{more} than {n}', '{subject} becomes {more} than {n}', '{subject} has been {more} than {n}', '{subject} stays {more} than {n}'],
  '<': ['{subject} is {less} than {n}', '{subject} gets {less} than {n}', '{less} than {n}', '{subject} becomes {less} than {n}', '{subject} has been {less} than {n}', '{subject} stays {less} than {n}'],
  '>=': ['{subject} is {n} or {more}', '{n} or {more}', '{subject} gets to {n} or {more}'],
  '<=': ['{subject} is {n} or {less}', '{n} or {less}', '{subject} gets to {n} or {less}'],
};

/** Without the metric's name: the unit says which one it is. */
export const BY_UNIT: Readonly<Record<string, readonly string[]>> = {
  '>': ['it is (above|over) {n}', '(above|over|past) {n}', 'it (goes|gets|rises) (above|over) {n}', 'it (shows|reads|is) more than {n}', 'we are (above|over|past) {n}', 'more than {n}', 'it exceeds {n}'],
  '<': ['it is (below|under) {n}', '(below|under) {n}', 'it (goes|gets|drops|falls) (below|under) {n}', 'it (shows|reads|is) less than {n}', 'we are (below|under) {n}', 'less than {n}'],
  '>=': ['it (reaches|hits|gets to) {n}', '{n} or more', 'at {n} or more', 'it is at least {n}', 'the {model} reaches {n}'],
  '<=': ['it is {n} or less', '{n} or less', 'it (drops|falls) to {n}', 'it is at most {n}'],
};

/** Two thresholds of one metric. */
export const BETWEEN = ['{m} is between {n} and {o}', '{m} is (from|in the range) {n} to {o}', '{m} is within {n} and {o}', '{m} stays between {n} and {o}', '{m} lies between {n} and {o}', '{m} is (above|over) {n} and (below|under) {o}', '{m} between {n} and {o}'];
export const OUTSIDE = ['{m} is outside [of] {n} to {o}', '{m} is not between {n} and {o}', '{m} is below {n} or above {o}', '{m} is out of the range {n} to {o}', '{m} leaves the range [of] {n} to {o}', '{m} is (under|lower than) {n} or (over|higher than) {o}', '{m} goes below {n} or above {o}', '{m} is outside (of the range|the range) {n} to {o}', '{m} falls below {n} or rises above {o}'];

export const IS_ON = ['{m} is (on|active|true)', '{m} (turns|goes|comes|switches) on', '{m} becomes (true|active)', '{m} is (turned|switched) on', '{m} = true', '{m} on', '{m} stays on', '{m} has been on', '{m} is yes', '{m} gets (active|activated)', '{m} is enabled', '{m} triggers', '{m} is set'];
export const IS_OFF = ['{m} is (off|inactive|false)', '{m} (turns|goes|switches) off', '{m} becomes (false|inactive)', '{m} is (turned|switched) off', '{m} = false', '{m} is not (on|active|true)', '{m} off', '{m} stays off', '{m} has been off', '{m} is no', '{m} stops', '{m} is disabled', '{m} is no longer (on|active)'];
export const IS_VALUE = ['{m} is {v}', '{m} becomes {v}', '{m} (changes|goes|switches|turns) to {v}', '{m} = {v}', '{m} (reports|shows|says|reads) {v}', '{m} gets {v}', '{m} is in {v}', '{m} equals {v}', '{m} {v}', '{m} enters {v}', '{m} (is|stays) {v}', '{m} has been {v}', 'it (is|gets|becomes) {v}', 'the {model} (is|gets|becomes) {v}', 'the {model} (reports|says|shows) [a] {v}', '{m} (gets|is) stuck at {v}'];
export const IS_NOT_VALUE = ['{m} is not {v}', '{m} != {v}', '{m} is no longer {v}', '{m} is anything but {v}', '{m} leaves {v}', '{m} is other than {v}', '{m} is not {v} [any more]', '{m} stops being {v}'];

export const STALE = [
  'no {b} comes for {d}', 'there is no {b} [reading|value|data|update] for {d}', '{m} has not (reported|come|been seen|been updated|been reported|changed its value) (for|in) {d}', 'we have not (heard|seen|received|had) [a|any] {b} [reading|value|data] (for|in) {d}',
  '{m} (is|has been|goes|stays) (silent|missing|quiet) for {d}', '{m} sensor (is|has been|goes) (silent|quiet) for {d}', 'nothing (comes|came|arrives) from {m} [sensor] (for|in|in the last) {d}', 'nothing from {m} [sensor] (for|in the last|in) {d}', '{m} is stale for {d}',
  'no {b} (data|reading|value|readings|values) [comes|arrives|comes in] (for|in) {d}', '{m} stops reporting for {d}', 'no {b} for {d}', 'there has been no {b} [reading|value|data] for {d}', '{m} has sent nothing (for|in) {d}', '{m} does not report for {d}', 'no {b} since {d}', 'no {b} (in|within|during) {d}', '{m} is not reported for {d}', 'the last {b} is older than {d}',
];

export const CHANGED: Readonly<Record<string, readonly string[]>> = {
  'up >': ['{m} (rises|increases|goes up|climbs|jumps|grows) by more than {n}', '{m} (rises|increases|climbs|jumps|gains) more than {n}', '{m} (jumps|goes) up [by] more than {n}', '{m} (rose|increased|climbed) [by] more than {n}', '{m} (rise|jump|increase|spike) of more than {n}', '{m} has (risen|increased|gone up) by more than {n}', '{m} is up by more than {n}'],
  'up >=': ['{m} (rises|increases|goes up|climbs|jumps|grows) by {n}', '{m} (rises|increases|climbs|jumps) [by] at least {n}', '{m} (rises|increases|goes up|jumps) [up] by {n} or more', '{m} (rises|increases|climbs) {n}', '{m} (rise|jump|increase|spike) of [at least] {n}', '{m} gains [at least] {n}', '{m} has (risen|increased|gone up) by {n}'],
  'down >': ['{m} (falls|drops|decreases|goes down|sinks|declines) by more than {n}', '{m} (falls|drops|decreases|loses|sinks) more than {n}', '{m} goes down more than {n}', '{m} (fell|dropped|sank) [by] more than {n}', '{m} (fall|drop|decrease) of more than {n}', '{m} has (fallen|dropped|gone down) by more than {n}', '{m} is down by more than {n}'],
  'down >=': ['{m} (falls|drops|decreases|goes down|sinks|declines) by {n}', '{m} (falls|drops|decreases|loses) [by] at least {n}', '{m} (falls|drops|decreases|goes down) by {n} or more', '{m} (falls|drops|loses) {n}', '{m} (fall|drop|decrease) of [at least] {n}', '{m} loses [at least] {n}', '{m} has (fallen|dropped|gone down) by {n}'],
  'move >': ['{m} (changes|moves|swings|varies|jumps around|fluctuates) by more than {n}', '{m} (changes|swings|varies|moves) more than {n}', '{m} changes by over {n}', '{m} (change|swing) of more than {n}'],
  'move >=': ['{m} (changes|moves|swings|varies) by [at least] {n}', '{m} (changes|swings|varies) by {n} or more', '{m} (change|swing) of [at least] {n}'],
};
export const WITHIN = ['within {d}', 'in {d}', 'in less than {d}', 'inside {d}', 'over {d}', 'during {d}', 'in the course of {d}', 'within the last {d}', 'in the last {d}'];
export const RATES: Readonly<Record<string, readonly string[]>> = {
  'up >': ['{m} (rises|increases|climbs|grows|is rising|is climbing) faster than {n} (per|a|each) {u}', '{m} (rises|increases|climbs) by more than {n} (per|a|every) {u}', '{m} goes up [by] more than {n} (per|a) {u}', '{m} (rises|increases) at more than {n} per {u}', '{m} rises more than {n} {per}{u}'],
  'down >': ['{m} (falls|drops|decreases|sinks|is falling|is dropping) faster than {n} (per|a|each) {u}', '{m} (falls|drops|sinks) by more than {n} (per|a|every) {u}', '{m} goes down [by] more than {n} (per|a) {u}', '{m} (falls|drops) at more than {n} per {u}', '{m} falls more than {n} {per}{u}'],
};

export const LASTING = ['for {d}', 'for (more|longer) than {d}', 'for at least {d}', 'for over {d}', 'continuously for {d}', 'for {d} [in a row|straight|without a break]', 'longer than {d}', 'during {d}', 'for {d} or (more|longer)', 'more than {d} long'];
export const HYSTERESIS = ['with a hysteresis of {h}', '({h} hysteresis|hysteresis {h}|hysteresis of {h})', 'with {h} [of] hysteresis', 'and only again after it came back by {h}', 'and rearm once it came back by {h}', 'and not again before it has come back {h}', 'with a margin of {h}', 'with a dead band of {h}'];
export const BACK = ['and do not (fire|trigger|do it) again until it is back (at|to) {k}', '(rearm|re-arm|reset) [it] (at|once it is at|when it is back at) {k}', 'again (only|once) [when] it was at {k}', 'until it is back (at|to) {k}', 'and wait until it is back (at|to) {k} [before doing it again]', 'and only again once it is {back} {k}', '{rearm} {back} {k}', 'and not again before it is {back} {k}'];
export const WINDOW = ['between {t} and {s}', 'from {t} to {s}', 'from {t} (until|till|through) {s}', 'only between {t} and {s}', 'but only (between|from) {t} (and|to) {s}', '{t} to {s}', '{t} - {s}', 'in the time between {t} and {s}', 'in the hours from {t} to {s}'];
export const NAMED_WINDOW = ['{w}', 'only {w}', 'but only {w}'];
export const ON_DAYS = ['on {y}', '{y}', 'only on {y}', 'every {y}', 'but only on {y}'];

export const ALERTS = ['alert me', 'warn me', 'raise (an alert|an alarm|the alarm|a warning)', '(sound|trigger|give|fire) (an|the) (alarm|alert)', 'alert', 'I want an (alert|alarm)', 'send [me] an (alert|alarm)', 'send [me] a warning', 'give me an (alert|alarm)', 'warn', 'alarm', 'create an alert', 'issue (an alert|a warning)', 'set off the alarm', 'alarm me', 'alert the operator'];
export const NOTICES = ['notify me', 'let me know', 'tell me', 'send me a (message|notification|note)', 'ping me', 'text me', 'message me', 'inform me', 'I want to (know|be told|be notified|hear about it)', 'report it', 'give me a (heads up|notice)', 'notify', 'send a (notification|message)', 'drop me a (line|note|message)', 'keep me posted', 'I would like to (know|be notified|be informed)', 'tell the operator', 'remind me', 'shoot me a message'];
export const ALERT_TEXTS = ['alert {q}', 'alert me {that} {q}', 'alert: {q}', 'warn me {that} {q}', 'raise (an|the) (alarm|alert): {q}', '(sound|give) (the|an) alarm: {q}', 'raise (an alert|an alarm|a warning) saying {q}', 'warn {q}', 'send an alert {with} {q}', 'give an alert {with} {q}', 'alert me with {q}', 'alert everybody {that} {q}'];
export const NOTICE_TEXTS = ['notify me {that} {q}', 'tell me {that} {q}', 'tell me {q}', 'let me know: {q}', 'let me know {that} {q}', 'send me a message {with} {q}', 'send the message {q}', 'notify {q}', 'text me {q}', 'message me: {q}', 'notify me: {q}', 'inform me {that} {q}', 'tell the operator {q}', 'send me a notification {with} {q}', 'ping me with {q}'];
export const TEXTS = 'too hot|the pump is dry|check the filter|something is wrong|it is leaking|please come and look|too damp|sensor is silent|door left open|low battery|power is back|all good|danger|time to refill|the water is warm|somebody is there|bearing worn|frost|we are done|call the technician|replace the cartridge|tank almost empty|pipe frozen|overload|high pressure in line two|she is awake|fire|load shedding|unusual noise|clean the nozzle|stuck|dry run|too loud|machine finished|voltage sag|a long way from home|the lid is not shut|temperature alarm|plants need water|food may spoil|motor failure'.split('|');

export const SET_VALUE = ['set [the] {c} to {v}', 'put the {c} (to|in|into|on) {v}', '(switch|change|turn|move) the {c} to {v}', '{c} {v}', 'make the {c} {v}', '{c} to {v}', 'use {c} {v}', 'select {c} {v}', 'go to {c} {v}', 'bring the {c} to {v}', 'set {c} {v}', '{c} = {v}', 'have the {c} set to {v}', 'choose {v} as {c}'];
export const OPEN = ['open the {c}', 'open {c}', '{c} open', 'open up the {c}', 'have the {c} opened', 'get the {c} open', 'pull the {c} open', 'get the {c} opened', 'the {c} (should|must|shall|has to) (be opened|open|be open)', 'I want the {c} open'];
export const CLOSE = ['close the {c}', 'close {c}', 'shut the {c}', '{c} closed', 'close up the {c}', 'have the {c} closed', 'get the {c} closed', 'shut {c}', 'keep the {c} closed', 'get the {c} shut', 'the {c} (should|must|shall|has to) (be closed|close|be shut)', 'I want the {c} closed'];
export const SWITCH = ['(turn|switch) {v} [the] {c}', '(turn|switch) [the] {c} {v}', '{c} {v}', 'put the {c} {v}', 'have the {c} (turned|switched) {v}', 'flip the {c} {v}', 'keep the {c} {v}', 'set [the] {c} to {v}', 'get the {c} {v}', 'power {v} the {c}', 'the {c} (should|must|shall|has to) (be|go|be switched|be turned) {v}', 'I want the {c} {v}'];
export const SWITCH_OFF = ['(cut|kill|disconnect|shut off) the {c}', 'deactivate the {c}', 'disable [the] {c}', 'stop the {c}', 'trip the {c}'];
export const SWITCH_ON = ['(activate|connect|enable) the {c}', 'enable {c}', 'start the {c}', 'power up the {c}', 'activate {c}'];
export const SET_NUMBER = ['set [the] {c} to {n}', '(change|adjust|move|bring|turn) the {c} to {n}', '{c} {n}', '{c} to {n}', '(lower|reduce|drop|decrease) the {c} to {n}', '(raise|increase|bump) the {c} to {n}', 'turn the {c} (up|down) to {n}', 'put the {c} (at|to|on|back to) {n}', 'make the {c} {n}', 'use a {c} of {n}', 'go to {c} {n}', '(limit|cap) the {c} (to|at) {n}', 'set [the] {c} {n}', 'set a {c} of {n}', '{c} = {n}', 'have the {c} set to {n}', 'let the {c} be {n}', 'dim the {c} to {n}', '{c} {n}', 'switch the {c} to {n}', 'the {c} (should|must|shall|has to) be [set to] {n}', 'I want the {c} at {n}'];
export const RUN = ['{c}', '{c} it', '{c} the {model}', 'run [the] {c}', '(trigger|execute|send|perform|call) [the] {c}', 'do a {c}', 'give the {c} command', 'send the {c} command', 'fire {c}', 'issue a {c}', 'launch the {c}', '{c} now', 'it (should|must|shall|has to) {c}', 'the {model} (should|must|shall|has to) {c}', 'go ahead and {c}', 'immediately {c}', '{c} immediately', 'just {c}'];
export const SEND_TEXT = ['set [the] {c} to {q}', '{c} {q}', 'show {q} on the {c}', 'write {q} to the {c}', 'send {q} to the {c}'];

/** {C} is the condition, {A} what is done, {AS} that in a form after "should". */
export const FRAMES = [
  'if {C}, {A}', 'if {C} {A}', 'when {C}, {A}', 'when {C} {A}', '{A} if {C}', '{A} when {C}', 'whenever {C}, {A}', '{A} whenever {C}', 'once {C}, {A}', '{A} once {C}', 'as soon as {C}, {A}', '{A} as soon as {C}', 'if {C} then {A}',
  'in case {C}, {A}', '{A} in case {C}', '{C} -> {A}', '{C}: {A}', '{C} => {A}', '{C}, {A}', '{C}? {A}', '{C}? then {A}', 'please {A} if {C}', 'please {A} when {C}', 'if {C}, please {A}', 'if {C} please {A}', 'when {C} please {A}', 'I want you to {A} when {C}', 'can you {A} (when|if) {C}?', 'could you please {A} (when|if) {C}?', 'would you {A} whenever {C}?',
  'you should {A} (when|if|once) {C}', 'every time {C}, {A}', 'the moment {C}, {A}', '{A} the moment {C}', 'in the event that {C}, {A}', 'as long as {C}, {A}', 'rule: if {C} then {A}', 'should it happen that {C}, {A}', '{A} every time {C}', 'make sure to {A} (if|when) {C}', 'I need you to {A} (if|when|once) {C}', '{A} provided that {C}', '{A} in the event that {C}', 'if it happens that {C}, {A}', '{A}, but only if {C}', 'when it happens that {C} then {A}', 'given that {C}, {A}', 'upon {C}, {A}', 'hey, {A} (when|if) {C}', 'when {C} then {A}', 'if ever {C}, {A}', '{A} please (when|if) {C}', '{A} (while|as long as) {C}', '{C} means {A}', '{C} - {A}', '{C} then {A}', '{A}: {C}', '{A} - {C}', 'on {C} {A}', 'at {C} {A}',
];
export const JOINED_AND = ['{C} and {D}', '{C} and {D}', 'both {C} and {D}', '{C} and at the same time {D}', '{C} & {D}', '{C} while {D}', '{C} and also {D}', '{C}, and {D}', '{C} and if {D}', '{C} and when {D}', 'not only {C} but also {D}', '{C} with {D}', '{C} && {D}', '{C} and {D} too', '{C} plus {D}'];
export const JOINED_OR = ['{C} or {D}', '{C} or {D}', 'either {C} or {D}', '{C} or if {D}', '{C} or when {D}', '{C}, or {D}', '{C} | {D}', '{C} or else {D}', '{C} || {D}', '{C} or alternatively {D}', 'any of {C} or {D}'];

/** After "should": an infinitive. */
export const INVERTED: Readonly<Record<string, readonly string[]>> = {
  '>': ['{m} [ever] (rise|go|get|climb) (above|over|past) {n}', '{m} [ever] exceed {n}', '{m} be (above|over) {n}', '{m} become (higher|more) than {n}'],
  '<': ['{m} [ever] (fall|drop|go|get|sink) (below|under) {n}', '{m} be (below|under) {n}', '{m} become (lower|less) than {n}'],
  '>=': ['{m} [ever] (reach|hit) {n}', '{m} get to {n}'],
  '<=': ['{m} [ever] (fall|drop|sink) to {n}'],
};
export const INVERTED_QUALITY: Readonly<Record<string, readonly string[]>> = {
  '>': ['it [ever] get {more} than {n}', 'it be {more} than {n}'],
  '<': ['it [ever] get {less} than {n}', 'it be {less} than {n}'],
};
