/*
 * What a disk does to a process, for tests: preloaded (LD_PRELOAD), it stands between the process and libc's file
 * calls below one directory. It writes each change and each sync to a log, from which power-loss.ts makes what
 * would be left after a power loss, and it fails calls as a control block in shared memory says.
 *
 * I1 A change is in the log before the call returns; a sync is in the log before it returns, with the number of the
 *    last record it covers. Both survive a SIGKILL: the log is written with write(2).
 * I2 Nothing is synced really: a test's power loss is made from the log.
 *
 * A record: 32 bytes (op u8, flags u8, path bytes u16, fd i32, offset i64, data bytes u32, second path bytes u16,
 * 0 u16, record number u64), then path, second path, data.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, CLOSE, WRITE, TRUNCATE, SYNC, SYNC_FAILED, UNLINK, RENAME, MKDIR, RMDIR };
enum { FLAG_CREATED = 1, FLAG_TRUNCATED = 2 };
enum { FDS = 65536 };

/* fault-shim.ts writes it: the order of the fields is shared. */
struct control {
  uint32_t sync_fails_after;  /* the n-th sync from now fails with EIO; 0: none */
  uint32_t write_fails_after; /* the n-th write from now fails with EIO; 0: none */
  uint32_t is_full;           /* 1: nothing can grow (ENOSPC) */
  uint32_t short_permille;    /* of writes that write less than they were asked to */
  uint32_t sync_us_max;       /* a sync takes up to this long */
  uint32_t seed;
  uint32_t failed_syncs;
  uint32_t failed_writes;
  uint32_t full_hits;
  uint32_t short_writes;
  uint32_t syncs;
};

struct record {
  uint8_t op, flags;
  uint16_t path_bytes;
  int32_t fd;
  int64_t offset;
  uint32_t data_bytes;
  uint16_t other_bytes, zero;
  uint64_t number;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile struct control *control;
static char root[PATH_MAX];
static size_t root_bytes;
static int log_fd = -1;
static pid_t owner;
static uint64_t records;
static uint64_t chance;
/* What is open below the root. libuv closes with a bare system call, so a number may be another file by now. */
static struct {
  ino_t inode; /* 0: none */
  dev_t device;
} watched[FDS];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);

__attribute__((constructor)) static void begin(void) {
  real_pwrite = REAL(pwrite);
  real_write = REAL(write);
  const char *dir = getenv("FAULT_SHIM_ROOT"), *log = getenv("FAULT_SHIM_LOG"), *block = getenv("FAULT_SHIM_CONTROL");
  if (dir == NULL || block == NULL) return;
  snprintf(root, sizeof root, "%s", dir);
  root_bytes = strlen(root);
  int fd = syscall(SYS_openat, AT_FDCWD, block, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) abort();
  control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (control == MAP_FAILED) abort();
  chance = control->seed * 0x9e3779b97f4a7c15ull + 1;
  if (log != NULL) log_fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  owner = getpid();
  /* Programs it starts have a disk of their own. */
  unsetenv("LD_PRELOAD");
  unsetenv("FAULT_SHIM_ROOT");
}

static uint32_t random_below(uint32_t bound) {
  chance ^= chance << 13;
  chance ^= chance >> 7;
  chance ^= chance << 17;
  return bound == 0 ? 0 : (uint32_t)(chance >> 32) % bound;
}

static int is_ours(void) { return control != NULL && getpid() == owner; }

static int is_below(const char *path) {
  return path != NULL && is_ours() && strncmp(path, root, root_bytes) == 0 && (path[root_bytes] == '/' || path[root_bytes] == 0);
}

static int is_watched(int fd) {
  if (fd < 0 || fd >= FDS || watched[fd].inode == 0 || !is_ours()) return 0;
  struct stat now;
  if (fstat(fd, &now) == 0 && now.st_ino == watched[fd].inode && now.st_dev == watched[fd].device) return 1;
  watched[fd].inode = 0;
  return 0;
}

/* With the lock held. */
static void note(int op, int flags, int fd, const char *path, const char *other, int64_t offset, const void *data, size_t bytes) {
  records++;
  if (log_fd < 0) return;
  size_t path_bytes = path ? strlen(path) : 0, other_bytes = other ? strlen(other) : 0;
  struct record record = {op, flags, path_bytes, fd, offset, bytes, other_bytes, 0, records};
  struct iovec parts[4] = {{&record, sizeof record}, {(void *)path, path_bytes}, {(void *)other, other_bytes}, {(void *)data, bytes}};
  /* A log that cannot be written proves nothing. */
  if (syscall(SYS_writev, log_fd, parts, 4) != (ssize_t)(sizeof record + path_bytes + other_bytes + bytes)) abort();
}

static int is_due(volatile uint32_t *countdown) { return *countdown > 0 && --*countdown == 0; }

/* How much of a write is let through; -1: none, errno says why. With the lock held. */
static ssize_t admitted(int fd, size_t bytes, int64_t offset) {
  if (is_due(&control->write_fails_after)) {
    control->failed_writes++;
    errno = EIO;
    return -1;
  }
  if (control->is_full) {
    struct stat now;
    if (fstat(fd, &now) == 0 && offset + (int64_t)bytes > now.st_size) {
      control->full_hits++;
      if (offset < now.st_size) return now.st_size - offset;
      errno = ENOSPC;
      return -1;
    }
  }
  if (bytes > 1 && random_below(1000) < control->short_permille) {
    control->short_writes++;
    return 1 + random_below(bytes - 1);
  }
  return bytes;
}

static ssize_t put(int fd, const void *data, size_t bytes, int64_t offset) {
  pthread_mutex_lock(&lock);
  ssize_t done = admitted(fd, bytes, offset);
  if (done > 0) done = real_pwrite(fd, data, done, offset);
  if (done > 0) note(WRITE, 0, fd, NULL, NULL, offset, data, done);
  int error = errno;
  pthread_mutex_unlock(&lock);
  errno = error;
  return done;
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset) {
  return is_watched(fd) ? put(fd, data, bytes, offset) : real_pwrite(fd, data, bytes, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset) { return pwrite(fd, data, bytes, offset); }

ssize_t write(int fd, const void *data, size_t bytes) {
  if (!is_watched(fd)) return real_write(fd, data, bytes);
  int flags = fcntl(fd, F_GETFL);
  off_t at = lseek(fd, 0, flags & O_APPEND ? SEEK_END : SEEK_CUR);
  ssize_t done = put(fd, data, bytes, at);
  if (done > 0) lseek(fd, at + done, SEEK_SET);
  return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (!is_watched(fd)) return REAL(writev)(fd, parts, count);
  ssize_t all = 0;
  for (int i = 0; i < count; i++) {
    ssize_t done = write(fd, parts[i].iov_base, parts[i].iov_len);
    if (done < 0) return all > 0 ? all : -1;
    all += done;
    if ((size_t)done < parts[i].iov_len) break;
  }
  return all;
}

/* A file that is copied is read and written: libuv does that where these are not there. */
ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t bytes, unsigned flags) {
  if (!is_watched(out)) return REAL(copy_file_range)(in, in_at, out, out_at, bytes, flags);
  errno = ENOSYS;
  return -1;
}
ssize_t sendfile64(int out, int in, off64_t *at, size_t bytes) {
  if (!is_watched(out)) return syscall(SYS_sendfile, out, in, at, bytes);
  errno = EINVAL;
  return -1;
}
ssize_t sendfile(int out, int in, off_t *at, size_t bytes) { return sendfile64(out, in, at, bytes); }

static int synced(int fd) {
  pthread_mutex_lock(&lock);
  uint64_t upto = records;
  int is_failing = is_due(&control->sync_fails_after);
  control->syncs++;
  uint32_t us = random_below(control->sync_us_max);
  pthread_mutex_unlock(&lock);
  if (us > 0) usleep(us);
  pthread_mutex_lock(&lock);
  note(is_failing ? SYNC_FAILED : SYNC, 0, fd, NULL, NULL, upto, NULL, 0);
  if (is_failing) control->failed_syncs++;
  pthread_mutex_unlock(&lock);
  if (!is_failing) return 0;
  errno = EIO;
  return -1;
}

int fsync(int fd) { return is_watched(fd) ? synced(fd) : REAL(fsync)(fd); }
int fdatasync(int fd) { return is_watched(fd) ? synced(fd) : REAL(fdatasync)(fd); }

int ftruncate(int fd, off_t bytes) {
  if (!is_watched(fd)) return REAL(ftruncate)(fd, bytes);
  pthread_mutex_lock(&lock);
  int result = REAL(ftruncate)(fd, bytes);
  if (result == 0) note(TRUNCATE, 0, fd, NULL, NULL, bytes, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}
int ftruncate64(int fd, off64_t bytes) { return ftruncate(fd, bytes); }

static int opened(int dir, const char *path, int flags, mode_t mode) {
  if (!is_below(path)) return syscall(SYS_openat, dir, path, flags, mode);
  pthread_mutex_lock(&lock);
  struct stat now;
  int was_there = stat(path, &now) == 0;
  int fd = -1;
  if (!was_there && (flags & O_CREAT) && control->is_full) {
    control->full_hits++;
    errno = ENOSPC;
  } else {
    fd = syscall(SYS_openat, dir, path, flags, mode);
  }
  int error = errno;
  if (fd >= FDS) abort();
  if (fd >= 0) {
    if (fstat(fd, &now) != 0) abort();
    watched[fd].inode = now.st_ino;
    watched[fd].device = now.st_dev;
    int is_created = !was_there && (flags & O_CREAT), is_cut = was_there && (flags & O_TRUNC);
    note(OPEN, (is_created ? FLAG_CREATED : 0) | (is_cut ? FLAG_TRUNCATED : 0), fd, path, NULL, 0, NULL, 0);
  }
  pthread_mutex_unlock(&lock);
  errno = error;
  return fd;
}

static mode_t mode_of(int flags, va_list rest) { return flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; }
#define OPENER(declaration, dir)                    \
  declaration {                                     \
    va_list rest;                                   \
    va_start(rest, flags);                          \
    mode_t mode = mode_of(flags, rest);             \
    va_end(rest);                                   \
    return opened(dir, path, flags, mode);          \
  }
OPENER(int open(const char *path, int flags, ...), AT_FDCWD)
OPENER(int open64(const char *path, int flags, ...), AT_FDCWD)
OPENER(int openat(int dir, const char *path, int flags, ...), dir)
OPENER(int openat64(int dir, const char *path, int flags, ...), dir)

int close(int fd) {
  if (!is_watched(fd)) return syscall(SYS_close, fd);
  pthread_mutex_lock(&lock);
  watched[fd].inode = 0;
  note(CLOSE, 0, fd, NULL, NULL, 0, NULL, 0);
  int result = syscall(SYS_close, fd);
  pthread_mutex_unlock(&lock);
  return result;
}

#define NAMED(condition, call, ...)          \
  if (!(condition)) return call;             \
  pthread_mutex_lock(&lock);                 \
  int result = call;                         \
  int error = errno;                         \
  if (result == 0) note(__VA_ARGS__);        \
  pthread_mutex_unlock(&lock);               \
  errno = error;                             \
  return result;

int unlink(const char *path) { NAMED(is_below(path), syscall(SYS_unlink, path), UNLINK, 0, -1, path, NULL, 0, NULL, 0) }
int rmdir(const char *path) { NAMED(is_below(path), syscall(SYS_rmdir, path), RMDIR, 0, -1, path, NULL, 0, NULL, 0) }
/* What libstdc++ calls where Node removes files. */
int remove(const char *path) {
  struct stat now;
  if (!is_below(path)) return REAL(remove)(path);
  if (lstat(path, &now) != 0) return -1;
  return S_ISDIR(now.st_mode) ? rmdir(path) : unlink(path);
}
int unlinkat(int dir, const char *name, int flags) {
  char link[64], path[PATH_MAX];
  ssize_t bytes = 0;
  if (is_ours() && name[0] != '/' && dir != AT_FDCWD) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    bytes = readlink(link, path, sizeof path - NAME_MAX - 2);
    if (bytes > 0) snprintf(path + bytes, sizeof path - bytes, "/%s", name);
  }
  if (bytes <= 0) snprintf(path, sizeof path, "%s", name);
  if (!is_below(path)) return syscall(SYS_unlinkat, dir, name, flags);
  return flags & AT_REMOVEDIR ? rmdir(path) : unlink(path);
}
int rename(const char *from, const char *to) {
  NAMED(is_below(from) || is_below(to), syscall(SYS_rename, from, to), RENAME, 0, -1, from, to, 0, NULL, 0)
}
int mkdir(const char *path, mode_t mode) {
  if (is_below(path) && control->is_full && access(path, F_OK) != 0) {
    control->full_hits++;
    errno = ENOSPC;
    return -1;
  }
  NAMED(is_below(path), syscall(SYS_mkdir, path, mode), MKDIR, 0, -1, path, NULL, 0, NULL, 0)
}
