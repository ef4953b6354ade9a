// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory of every kind behind a SHARE, and what a VMM may do to it while
 * it is shared: the daemon's mapping stays what it was, or SHARE is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "hostile.h"
#include "nexus.h"
#include "vmm.h"

#define LIMIT 4096U
#define SIZE 0x200000UL			/* the window: one slot of 2 MiB */
#define PAGES (SIZE / NEXUS_PAGE_SIZE)
#define WINDOW 0x200000UL		/* where the guest sees it, ... */
#define ELSEWHERE 0x400000UL		/* and what is behind the other address: */
#define GPA 0x40000000UL
#define GPA_ELSEWHERE 0x50000000UL

#define GUEST_PD 0x3000UL		/* vmm.h: page directory and table */
#define GUEST_PT 0x4000UL
#define GUEST_PT2 0x5000UL		/* free there */
#define PTE_ALL 7UL			/* present, writable, user */
#define PTE_LARGE (1UL << 7)

static struct vmm vmm;
static int device, handle;
static uint32_t id;

static void window_set(void *memory, unsigned int flags)
{
	if (vmm_set_slot(&vmm, 1, 0, GPA, 0, NULL) && errno != EINVAL)
		tap_bail("removing a slot");
	if (memory && vmm_set_slot(&vmm, 1, flags, GPA, SIZE, memory))
		tap_bail("setting a slot");
}

static int64_t share(uint64_t address, uint64_t pages)
{
	return vmm_call(&vmm, 0, NEXUS_HC_SHARE, 0, address, pages);
}

static void channel_open(void)
{
	if (vmm_call(&vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0))
		tap_bail("OPEN");
}

static void channel_close(void)
{
	vmm_call(&vmm, 0, NEXUS_HC_CLOSE, 0, 0, 0);
	if (ioctl(handle, NEXUS_IOC_RELEASE_CHANNEL, 0))
		tap_bail("RELEASE_CHANNEL");
}

static bool pinned_is(unsigned int want)
{
	return nexus_counter_wait(id, NEXUS_A_VM_PINNED_PAGES, want) == want;
}

/* Both sides see one page: the first, one in the middle, the last. */
static bool same_pages(char *ours, char *daemons, unsigned int pages)
{
	const unsigned int look_at[] = { 0, pages / 2, pages - 1 };
	static unsigned int mark;

	for (unsigned int i = 0; i < ARRAY_SIZE(look_at); i++) {
		volatile uint32_t *a = (void *)(ours + look_at[i] * NEXUS_PAGE_SIZE + 4);
		volatile uint32_t *b = (void *)(daemons + look_at[i] * NEXUS_PAGE_SIZE + 4);

		*a = ++mark;
		if (*b != mark)
			return false;
		*b = ++mark;
		if (*a != mark)
			return false;
	}
	return true;
}

/* The window, backed by `memory`, can be shared and both sides see one memory. */
static void test_backing(char *memory, const char *what)
{
	int64_t got;
	char *map;

	if (memory == MAP_FAILED) {
		printf("# %s: %s\n", what, strerror(errno));
		tap_ok(true, "%s # SKIP not to be had here", what);
		return;
	}
	window_set(memory, 0);
	channel_open();
	got = share(WINDOW, PAGES);
	map = got == (int64_t)PAGES ? nexus_map(handle, 0, 0, PAGES) : NULL;
	tap_ok(map && same_pages(memory, map, PAGES), "%s is shared (%lld)", what, (long long)got);
	channel_close();
	munmap(memory, SIZE);
	if (map) {
		map[SIZE - 1] = 1;
		munmap(map, SIZE);
	}
	window_set(NULL, 0);
	tap_ok(pinned_is(0), "%s is let go", what);
}

static void test_refused(void *memory, const char *what)
{
	if (memory == MAP_FAILED) {
		printf("# %s: %s\n", what, strerror(errno));
		tap_ok(true, "%s # SKIP not to be had here", what);
		return;
	}
	window_set(memory, 0);
	channel_open();
	tap_is(share(WINDOW, 1), -EFAULT, what);
	channel_close();
	window_set(NULL, 0);
	munmap(memory, SIZE);
}

static void *map_file(int fd, int prot, int flags)
{
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, SIZE, prot, flags, fd, 0);

	if (fd >= 0)
		close(fd);
	return p;
}

static int shm_file(void)
{
	int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 && ftruncate(fd, SIZE))
		tap_bail("ftruncate");
	return fd;
}

static int memory_file(void)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);

	if (ftruncate(fd, SIZE))
		tap_bail("ftruncate");
	return fd;
}

/* Memory where the kernel puts a huge page, if it has one. */
static void *huge_pages(void)
{
	char *p = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at = (char *)(((uintptr_t)p + SIZE - 1) & -SIZE);

	munmap(p, at - p);
	munmap(at + SIZE, p + SIZE - at);
	madvise(at, SIZE, MADV_HUGEPAGE);
	memset(at, 0, SIZE);
	return at;
}

static void *hugetlb_pages(int flags)
{
	FILE *f = fopen("/proc/sys/vm/nr_hugepages", "we");
	void *p;

	if (f) {
		fputs("2", f);
		fclose(f);
	}
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	f = fopen("/proc/sys/vm/nr_hugepages", "we");
	if (f) {
		fputs("0", f);
		fclose(f);
	}
	return p;
}

static void *anonymous(int prot, int flags)
{
	return mmap(NULL, SIZE, prot, flags | MAP_ANONYMOUS, -1, 0);
}

/* A window whose first page is a PCI device's: nobody reads or writes it. */
static void *device_memory(void)
{
	char *window = anonymous(PROT_NONE, MAP_PRIVATE);
	void *page = MAP_FAILED;
	glob_t files;

	if (glob("/sys/bus/pci/devices/*/resource[0-5]", 0, NULL, &files))
		files.gl_pathc = 0;
	for (size_t i = 0; i < files.gl_pathc && page == MAP_FAILED; i++) {
		int fd = open(files.gl_pathv[i], O_RDWR | O_CLOEXEC);

		if (fd < 0)
			continue;
		page = mmap(window, NEXUS_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
		if (page != MAP_FAILED)
			printf("# device memory: %s\n", files.gl_pathv[i]);
		close(fd);
	}
	return page;
}

static void test_backings(void)
{
	const int rw = PROT_READ | PROT_WRITE;

	test_backing(anonymous(rw, MAP_PRIVATE), "private memory, not populated,");
	test_backing(anonymous(rw, MAP_SHARED), "shared memory, not populated,");
	test_backing(anonymous(rw, MAP_PRIVATE | MAP_POPULATE), "populated memory");
	test_backing(huge_pages(), "a transparent huge page");
	test_backing(hugetlb_pages(MAP_PRIVATE), "a private page of hugetlbfs");
	test_backing(hugetlb_pages(MAP_SHARED), "a shared page of hugetlbfs");
	test_backing(map_file(memory_file(), rw, MAP_SHARED), "a memfd");
	test_backing(map_file(memory_file(), rw, MAP_PRIVATE), "a memfd mapped privately");
	test_backing(map_file(shm_file(), rw, MAP_SHARED), "a file of tmpfs");
	test_backing(map_file(shm_file(), rw, MAP_PRIVATE), "a file of tmpfs mapped privately");
	test_backing(map_file(open("/dev/zero", O_RDWR), rw, MAP_PRIVATE), "/dev/zero mapped privately");
	test_refused(anonymous(PROT_READ, MAP_PRIVATE), "memory that the VMM may not write is -EFAULT");
	test_refused(anonymous(PROT_NONE, MAP_PRIVATE), "memory that the VMM may not touch is -EFAULT");
	test_refused(map_file(shm_file(), PROT_READ, MAP_SHARED), "a file mapped for reading is -EFAULT");
	test_refused(device_memory(), "memory of a device is -EFAULT");
}

/* The program's own file, copied on write; it is shorter than the window. */
static void test_short_file(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	char first[64] = "", *map;

	window_set(memory, 0);
	channel_open();
	tap_is(share(WINDOW, 4), 4, "a program's file, mapped privately, is shared");
	map = nexus_map(handle, 0, 0, 4);
	tap_ok(map && same_pages(memory, map, 4), "as a copy that both sides see");
	if (pread(fd, first, sizeof(first), 0) != sizeof(first))
		tap_bail("pread");
	tap_ok(!memcmp(first, "\177ELF", 4) && memcmp(first, map, sizeof(first)), "the file stays as it was");
	tap_is(share(WINDOW + SIZE - 4 * NEXUS_PAGE_SIZE, 4), -EFAULT, "what is beyond its end is -EFAULT");
	channel_close();
	munmap(map, 4 * NEXUS_PAGE_SIZE);
	window_set(NULL, 0);
	munmap(memory, SIZE);
	close(fd);
	tap_ok(pinned_is(0), "it is let go");
}

/* A daemon's mapping of a grant, as memory of a guest: raw page frames. */
static void test_grant_of_grant(void)
{
	char *memory = anonymous(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	char *map;

	window_set(memory, 0);
	channel_open();
	share(WINDOW, PAGES);
	map = nexus_map(handle, 0, 0, PAGES);
	if (!map)
		tap_bail("map");
	window_set(map, 0);
	tap_is(share(WINDOW, 1), -EFAULT, "a daemon's mapping of guest pages is no guest memory: -EFAULT");
	tap_is(share(WINDOW, PAGES), -EFAULT, "nor the whole of it");
	window_set(NULL, 0);
	channel_close();
	munmap(map, SIZE);
	munmap(memory, SIZE);
	tap_ok(pinned_is(0), "nothing is pinned by that");
}

/* A range of eight pages with one bad page, in each position, of each kind. */
static void test_bad_page(void)
{
	static const struct {
		uint64_t clear, set;
		const char *what;
	} kinds[] = {
		{ 1, 0, "absent" },
		{ 2, 0, "read-only" },
		{ 4, 0, "of the kernel" },
		{ UINT64_MAX, VMM_NO_SLOT | PTE_ALL, "without memory" },
		{ UINT64_MAX, (1UL << 45) | PTE_ALL, "out of reach" },
	};
	uint64_t *table = (uint64_t *)(vmm.memory + GUEST_PT);
	const unsigned int first = VMM_DATA >> 12, length = 8;

	channel_open();
	for (unsigned int kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		unsigned int refused = 0;

		for (unsigned int bad = 0; bad < length; bad++) {
			uint64_t entry = table[first + bad];

			table[first + bad] = (entry & ~kinds[kind].clear) | kinds[kind].set;
			refused += share(VMM_DATA, length) == -EFAULT &&
				   nexus_counter(id, NEXUS_A_VM_PINNED_PAGES) == 0;
			table[first + bad] = entry;
		}
		tap_ok(refused == length, "one page %s in any position: the range is refused, nothing pinned",
		       kinds[kind].what);
	}
	tap_is(share(VMM_DATA, length), length, "without it the range is shared");
	channel_close();
	tap_ok(pinned_is(0), "and let go");
}

/* One page of memory, in every entry of a guest's page table. */
static void test_one_page(void)
{
	uint64_t *table = (uint64_t *)(vmm.memory + GUEST_PT2);
	uint64_t *directory = (uint64_t *)(vmm.memory + GUEST_PD);
	const uint64_t large = directory[1];
	bool equal = true;
	char *map;

	for (unsigned int i = 0; i < 512; i++)
		table[i] = VMM_DATA | PTE_ALL;
	directory[1] = GUEST_PT2 | PTE_ALL;
	channel_open();
	for (int64_t size = 512; size <= LIMIT; size += 512)
		equal &= share(WINDOW, 512) == size;
	tap_ok(equal, "one page is shared %u times", LIMIT);
	tap_is(share(WINDOW, 1), -ENOSPC, "but not once beyond the limit");
	map = nexus_map(handle, 0, LIMIT - 512, 512);
	strcpy(vmm.memory + VMM_DATA, "the same");
	for (unsigned int i = 0; map && i < 512; i++)
		equal &= !strcmp(map + i * NEXUS_PAGE_SIZE, "the same");
	tap_ok(map && equal, "a mapping of it shows the page 512 times");
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_UNSHARE, 0, 512, 0), 0, "UNSHARE of nearly all");
	tap_ok(pinned_is(1024), "leaves the rest and the mapping");
	channel_close();
	munmap(map, SIZE);
	tap_ok(pinned_is(0), "all pins of the page go");
	directory[1] = large;
}

static void test_slots(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	char *memory = anonymous(rw, MAP_PRIVATE), *map;

	window_set(memory, 0);
	channel_open();
	share(WINDOW, 16);
	map = nexus_map(handle, 0, 0, 16);
	if (!map)
		tap_bail("map");

	window_set(NULL, 0);
	tap_ok(same_pages(memory, map, 16), "a slot removed while shared: both sides still see one memory");
	tap_is(share(WINDOW, 1), -EFAULT, "and a new SHARE is -EFAULT");
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_WAIT, 0, 1, 0), 0, "WAIT still looks at the ring");
	window_set(memory, 0);
	tap_is(share(WINDOW, 1), 17, "with the slot back SHARE succeeds");

	if (vmm_set_slot(&vmm, 1, 0, GPA_ELSEWHERE, SIZE, memory))
		tap_bail("moving a slot");
	tap_ok(same_pages(memory, map, 16), "a slot moved while shared: the same");
	tap_is(share(WINDOW, 1), -EFAULT, "nothing is at its old address");
	tap_is(share(ELSEWHERE, 1), 18, "it is at the new one");

	window_set(memory, KVM_MEM_READONLY);
	tap_ok(same_pages(memory, map, 16), "a slot made read-only while shared: the same");
	tap_is(share(WINDOW, 1), -EFAULT, "what the guest may not write by now is -EFAULT");
	tap_is(vmm_call_kernel(&vmm, 0, NEXUS_HC_SHARE, 0, WINDOW, 1), -EFAULT, "for its kernel too");
	window_set(memory, KVM_MEM_LOG_DIRTY_PAGES);
	tap_is(share(WINDOW, 1), 19, "a slot whose writes are logged is shared");

	window_set(NULL, 0);
	channel_close();
	munmap(memory, SIZE);
	map[0] = 1;
	munmap(map, 16 * NEXUS_PAGE_SIZE);
	tap_ok(pinned_is(0), "all is let go");
}

static void test_unmapped(void)
{
	char *memory = anonymous(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	char *map;

	window_set(memory, 0);
	channel_open();
	share(WINDOW, 16);
	map = nexus_map(handle, 0, 0, 16);
	strcpy(memory, "before");
	madvise(memory, SIZE, MADV_DONTNEED);
	tap_ok(!memory[0] && !strcmp(map, "before"), "MADV_DONTNEED takes a page from the guest, not from the daemon");
	strcpy(map, "after");
	tap_ok(!memory[0], "which keeps the old one");
	tap_is(share(WINDOW, 16), 32, "the new ones can be shared");
	mprotect(memory, SIZE, PROT_READ);
	tap_is(share(WINDOW, 1), -EFAULT, "not after mprotect(PROT_READ)");
	munmap(memory, SIZE);
	tap_ok(!strcmp(map, "after"), "munmap does not reach the daemon's mapping either");
	tap_is(share(WINDOW, 1), -EFAULT, "a slot with nothing behind it is -EFAULT");
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_WAIT, 0, 1, 0), 0, "WAIT still looks at the ring");
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_UNSHARE, 0, 16, 0), 0, "UNSHARE");
	channel_close();
	tap_ok(pinned_is(16), "the mapped pages live on");
	memset(map, 0xaa, 16 * NEXUS_PAGE_SIZE);
	munmap(map, 16 * NEXUS_PAGE_SIZE);
	window_set(NULL, 0);
	tap_ok(pinned_is(0), "all is let go");
}

/* The file behind shared memory loses its pages. */
static void test_truncated(void)
{
	int fd = memory_file();
	char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *map;

	window_set(memory, 0);
	channel_open();
	share(WINDOW, 16);
	map = nexus_map(handle, 0, 0, 16);
	strcpy(memory, "before");
	if (ftruncate(fd, 0))
		tap_bail("ftruncate");
	tap_ok(!strcmp(map, "before"), "a file truncated while shared: the daemon's mapping stays");
	memset(map, 0xaa, 16 * NEXUS_PAGE_SIZE);
	tap_is(share(WINDOW, 1), -EFAULT, "and a new SHARE is -EFAULT");
	channel_close();
	munmap(map, 16 * NEXUS_PAGE_SIZE);
	window_set(NULL, 0);
	munmap(memory, SIZE);
	close(fd);
	tap_ok(pinned_is(0), "all is let go");
}

static void test_fork(void)
{
	char *memory = anonymous(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	int status;
	pid_t pid;
	char *map;

	window_set(memory, 0);
	channel_open();
	share(WINDOW, 16);
	map = nexus_map(handle, 0, 0, 16);
	strcpy(memory, "before");
	pid = fork();
	if (!pid) {
		/* The child has its own copy, whoever writes first. */
		if (strcmp(memory, "before"))
			_exit(1);
		memset(memory, 0x11, SIZE);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	tap_ok(WIFEXITED(status) && !WEXITSTATUS(status), "a child of the VMM sees its memory");
	tap_ok(!strcmp(map, "before") && !strcmp(memory, "before"), "what it writes is its own");
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	tap_ok(same_pages(memory, map, 16), "while one lives, the daemon and the VMM still see one memory");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	tap_ok(same_pages(memory, map, 16), "and when it is gone");
	channel_close();
	munmap(map, 16 * NEXUS_PAGE_SIZE);
	window_set(NULL, 0);
	munmap(memory, SIZE);
	tap_ok(pinned_is(0), "all is let go");
}

int main(void)
{
	device = nexus_device();
	vmm_open(&vmm, 1, MAP_PRIVATE);
	handle = nexus_adopt(device, vmm.vm, LIMIT, &id);
	if (handle < 0)
		tap_bail("adopt");
	((uint64_t *)(vmm.memory + GUEST_PD))[1] = GPA | PTE_ALL | PTE_LARGE;
	((uint64_t *)(vmm.memory + GUEST_PD))[2] = GPA_ELSEWHERE | PTE_ALL | PTE_LARGE;
	test_backings();
	test_short_file();
	test_grant_of_grant();
	test_bad_page();
	test_one_page();
	test_slots();
	test_unmapped();
	test_truncated();
	test_fork();
	ioctl(handle, NEXUS_IOC_RELEASE);
	close(handle);
	vmm_close(&vmm);
	tap_ok(all_unpinned(), "the kernel has released every page it ever pinned");
	return tap_done();
}
