/* A disk that fails when a test says so: preloaded into a server, it answers calls on files in the system's place.
 *
 * KEYTAG_FAULTS names a file of lines `CALL PART ERRNO [BYTES]`: CALL is open, write, fsync, truncate, rename, unlink or
 * mkdir, or stall, for a sync that waits until the line is gone; PART stands somewhere in the path, or in the target of a
 * rename; ERRNO is the number of the error, or anything but 0 for stall. A write fails only beyond BYTES of the file's
 * length, and takes what fits first, as a disk does that is full. The file is read anew by each call, so that a test
 * changes it while the server runs, its children included. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* A file that may grow no further (RLIMIT_FSIZE) is an error like others, not the end of the process. */
__attribute__((constructor)) static void stay(void) { signal(SIGXFSZ, SIG_IGN); }

/* The error of the first rule for a call on a path, or 0. `room` is how much may still be written. */
static int fault(const char *call, const char *path, off_t length, size_t *room) {
    char rules[4096];
    const char *file = getenv("KEYTAG_FAULTS");
    /* Straight from the system: what stands below is never asked about itself. */
    int fd = file ? (int)syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC, 0) : -1;
    if (fd < 0) return 0;
    ssize_t count = syscall(SYS_read, fd, rules, sizeof rules - 1);
    syscall(SYS_close, fd);
    rules[count > 0 ? count : 0] = 0;
    char *rest = NULL;
    for (char *line = strtok_r(rules, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char name[16], part[256];
        int number = 0;
        long long bytes = 0;
        if (sscanf(line, "%15s %255s %d %lld", name, part, &number, &bytes) < 3) continue;
        if (strcmp(name, call) || !strstr(path, part)) continue;
        if (room && bytes > length) *room = (size_t)(bytes - length);
        return number;
    }
    return 0;
}

static int fault_of(const char *call, int fd, off_t length, size_t *room) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t count = readlink(link, path, sizeof path - 1);
    if (count <= 0 || path[0] != '/') return 0;
    path[count] = 0;
    return fault(call, path, length, room);
}

static off_t length_of(int fd) {
    struct stat about;
    return fstat(fd, &about) ? 0 : about.st_size;
}

static int is_refused(const char *call, const char *path) {
    int error = fault(call, path, 0, NULL);
    if (error) errno = error;
    return error;
}

static int fd_is_refused(const char *call, int fd) {
    int error = fault_of(call, fd, 0, NULL);
    if (error) errno = error;
    return error;
}

#define OPEN(name)                                                  \
    int name(const char *path, int flags, ...) {                    \
        va_list list;                                               \
        va_start(list, flags);                                      \
        mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;   \
        va_end(list);                                               \
        int writes = flags & (O_WRONLY | O_RDWR | O_CREAT);         \
        if (writes && is_refused("open", path)) return -1;          \
        return REAL(name)(path, flags, mode);                       \
    }
OPEN(open)
OPEN(open64)

#define FOPEN(name)                                                         \
    FILE *name(const char *path, const char *mode) {                        \
        if (mode[0] != 'r' && is_refused("open", path)) return NULL;        \
        return REAL(name)(path, mode);                                      \
    }
FOPEN(fopen)
FOPEN(fopen64)

ssize_t write(int fd, const void *bytes, size_t count) {
    size_t room = 0;
    int error = fault_of("write", fd, length_of(fd), &room);
    if (!error) return REAL(write)(fd, bytes, count);
    if (room) return REAL(write)(fd, bytes, room < count ? room : count);
    errno = error;
    return -1;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    size_t room = 0;
    int error = fault_of("write", fd, length_of(fd), &room);
    if (!error) return REAL(writev)(fd, parts, count);
    if (room) return write(fd, parts[0].iov_base, parts[0].iov_len);
    errno = error;
    return -1;
}

size_t fwrite(const void *bytes, size_t size, size_t count, FILE *file) {
    size_t room = 0;
    int error = fault_of("write", fileno(file), ftello(file), &room);
    if (!error || room >= size * count) return REAL(fwrite)(bytes, size, count, file);
    errno = error;
    return 0;
}

#define SYNC(name)                                                      \
    int name(int fd) {                                                  \
        while (fault_of("stall", fd, 0, NULL)) usleep(10 * 1000);      \
        return fd_is_refused("fsync", fd) ? -1 : REAL(name)(fd);        \
    }
SYNC(fsync)
SYNC(fdatasync)

#define TRUNCATE(name, type) \
    int name(int fd, type length) { return fd_is_refused("truncate", fd) ? -1 : REAL(name)(fd, length); }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

int rename(const char *from, const char *to) { return is_refused("rename", to) ? -1 : REAL(rename)(from, to); }
int unlink(const char *path) { return is_refused("unlink", path) ? -1 : REAL(unlink)(path); }
int mkdir(const char *path, mode_t mode) { return is_refused("mkdir", path) ? -1 : REAL(mkdir)(path, mode); }
