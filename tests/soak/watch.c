/* Preloaded into a process: sees every call that changes a file below one folder, writes down what it is, and at the call of a
   given number kills the process (before or after it) or lets every later write fail for want of space.

   SOAK_HOME     the folder                       SOAK_LOG    file to which one line a call is appended
   SOAK_KILL     number of the call, from 1       SOAK_AFTER  "1" to kill after the call instead of before it
   SOAK_FULL     number of the write, from 1, from which on there is no space left

   Child processes are watched as well, but neither killed nor starved: only the process whose id is SOAK_PID is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls, writes;
static long kill_at, full_at;
static int after, log_fd = -1;
static char home[4096];
static pid_t armed;

/* Called by the process that is to be watched, after it has forked: what was counted before is not its own. */
void soak_arm(const char *folder, const char *log, long kill_number, int kill_after, long full_number) {
    snprintf(home, sizeof home, "%s/", folder);
    calls = writes = 0;
    kill_at = kill_number, after = kill_after, full_at = full_number;
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    log_fd = *log ? real(log, O_WRONLY | O_CREAT | O_APPEND, 0644) : -1;
    armed = getpid();
}

static int ours(const char *path) {
    return armed && armed == getpid() && path && !strncmp(path, home, strlen(home));
}

static const char *path_of(int fd, char *room) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, room, 4095);
    if (length < 0) return NULL;
    room[length] = 0;
    return room;
}

static const char *absolute(int folder, const char *path, char *room) {
    if (!armed || !path || path[0] == '/') return path;
    char base[4096];
    if (folder == AT_FDCWD ? !getcwd(base, sizeof base) : !path_of(folder, base)) return NULL;
    snprintf(room, 4096, "%.2000s/%.2000s", base, path);
    return room;
}

/* Count a call; 0 if it is the one to kill after. */
static int count(const char *what, const char *path) {
    long number = ++calls;
    if (log_fd >= 0) dprintf(log_fd, "%s %s\n", what, path + strlen(home));
    if (number == kill_at && !after) raise(SIGKILL);
    return !(number == kill_at && after);
}

#define DO(call) ({ __typeof__(call) made = (call); int kept = errno; if (!go_on) raise(SIGKILL); errno = kept; made; })

static int starved(void) {
    if (!full_at || ++writes < full_at) return 0;
    errno = ENOSPC;
    return 1;
}

#define WRITER(name, arguments, given, fd)                                                   \
    ssize_t name arguments {                                                                  \
        static ssize_t(*real) arguments;                                                      \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                            \
        char room[4096];                                                                      \
        const char *path = armed == getpid() && armed ? path_of(fd, room) : NULL;             \
        if (!ours(path)) return real given;                                                   \
        int go_on = count("write", path);                                                     \
        if (starved()) return -1;                                                             \
        return DO(real given);                                                                \
    }

WRITER(write, (int fd, const void *data, size_t size), (fd, data, size), fd)
WRITER(pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at), fd)
WRITER(pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at), fd)
WRITER(writev, (int fd, const struct iovec *data, int number), (fd, data, number), fd)
WRITER(copy_file_range, (int in, off64_t *from, int fd, off64_t *to, size_t size, unsigned flags), (in, from, fd, to, size, flags), fd)
WRITER(sendfile, (int fd, int in, off_t *from, size_t size), (fd, in, from, size), fd)
WRITER(sendfile64, (int fd, int in, off64_t *from, size_t size), (fd, in, from, size), fd)

#define TAKER(name, arguments, given, what, folder, path)                                    \
    int name arguments {                                                                      \
        static int(*real) arguments;                                                          \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                            \
        char room[4096];                                                                      \
        const char *full = absolute(folder, path, room);                                      \
        if (!ours(full)) return real given;                                                   \
        int go_on = count(what, full);                                                        \
        return DO(real given);                                                                \
    }

TAKER(rename, (const char *from, const char *to), (from, to), "rename", AT_FDCWD, to)
TAKER(renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), "rename", b, to)
TAKER(unlink, (const char *path), (path), "unlink", AT_FDCWD, path)
TAKER(unlinkat, (int a, const char *path, int flags), (a, path, flags), "unlink", a, path)
TAKER(rmdir, (const char *path), (path), "rmdir", AT_FDCWD, path)
TAKER(mkdir, (const char *path, mode_t mode), (path, mode), "mkdir", AT_FDCWD, path)
TAKER(symlink, (const char *to, const char *path), (to, path), "symlink", AT_FDCWD, path)
TAKER(symlinkat, (const char *to, int a, const char *path), (to, a, path), "symlink", a, path)

#define FLUSHER(name)                                                                         \
    int name(int fd) {                                                                        \
        static int (*real)(int);                                                              \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                            \
        char room[4096];                                                                      \
        const char *path = armed == getpid() && armed ? path_of(fd, room) : NULL;             \
        if (!ours(path)) return real(fd);                                                     \
        int go_on = count("fsync", path);                                                     \
        return DO(real(fd));                                                                  \
    }

FLUSHER(fsync)
FLUSHER(fdatasync)

#define OPENER(name)                                                                          \
    int name(const char *path, int flags, ...) {                                              \
        static int (*real)(const char *, int, ...);                                           \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                            \
        va_list rest;                                                                         \
        va_start(rest, flags);                                                                \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;               \
        va_end(rest);                                                                         \
        char room[4096];                                                                      \
        const char *full = flags & O_CREAT ? absolute(AT_FDCWD, path, room) : NULL;           \
        if (!ours(full)) return real(path, flags, mode);                                      \
        int go_on = count("create", full);                                                    \
        return DO(real(path, flags, mode));                                                   \
    }

OPENER(open)
OPENER(open64)
