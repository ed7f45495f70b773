/** Topics and filters of the broker's own, which no client may publish to or listen on. */
export function isReservedTopic(topic: string): boolean {
  return topic.startsWith('$SYS/') || topic === '$SYS';
}
