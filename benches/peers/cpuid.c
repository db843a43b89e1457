/* Preloaded into a program, hides from it what this CPU has beyond AVX2: libraries that ask the CPU what it is, by the
 * instruction CPUID, then take the kernels of an older one. Variables that libraries read for this purpose were tried: JAX's
 * products go on in AVX-512 whatever its flags say.
 *
 * Linux can have CPUID fault (arch_prctl, ARCH_CPUID), on CPUs and in virtual machines that support it. The handler executes
 * it and leaves bits out of the answer. Threads and children inherit the fault. Ends the program where there is none.
 *
 *     cc -O2 -shared -fPIC -o cpuid.so cpuid.c && LD_PRELOAD=./cpuid.so program
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012
#define BIT(n) (1u << (n))

static long set_cpuid(unsigned long allowed) {
    return syscall(SYS_arch_prctl, ARCH_SET_CPUID, allowed);
}

static void answer(int signal_number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *instruction = (const unsigned char *)registers[REG_RIP];
    unsigned leaf = registers[REG_RAX], part = registers[REG_RCX], a, b, c, d;

    (void)info;
    if (instruction[0] != 0x0f || instruction[1] != 0xa2) {
        /* A fault of the program's own: it comes again, and ends it. */
        signal(signal_number, SIG_DFL);
        return;
    }
    set_cpuid(1);
    __cpuid_count(leaf, part, a, b, c, d);
    set_cpuid(0);
    if (leaf == 7 && part == 0) {
        /* AVX512 F, DQ, IFMA, PF, ER, CD, BW, VL; VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ; 4VNNIW, 4FMAPS, VP2INTERSECT, FP16,
         * and AMX. */
        b &= ~(BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31));
        c &= ~(BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14));
        d &= ~(BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25));
    } else if (leaf == 7 && part == 1) {
        /* AVX-VNNI, AVX512-BF16, AMX-FP16, AVX-IFMA, and the rest of AVX's later parts. */
        a &= ~(BIT(4) | BIT(5) | BIT(21) | BIT(23));
        d = 0;
    } else if (leaf == 0xd && part == 0) {
        /* The state of no more than x87, SSE and AVX. */
        a &= BIT(0) | BIT(1) | BIT(2);
    }
    registers[REG_RAX] = a;
    registers[REG_RBX] = b;
    registers[REG_RCX] = c;
    registers[REG_RDX] = d;
    registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void begin(void) {
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
    if (sigaction(SIGSEGV, &action, NULL) || set_cpuid(0)) {
        fputs("cpuid.c: this machine cannot have CPUID fault\n", stderr);
        exit(1);
    }
}
