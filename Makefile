# Pillbug: a debug probe on a Blue Pill, and a virtual Blue Pill to try it on.
# `make help` lists what there is to type.

BUILD   ?= build
BOARD   ?= bluepill
TARGET  ?= samd21
USB_VID ?= 0x1209
USB_PID ?= 0x0001
USB_PID_BOOT ?= 0x0002
# Page that a browser offers for a board in its bootloader, without "https://"; none.
WEBUSB_URL ?=
PROBE   ?= stlink
CC_HOST ?= gcc
CC_ARM  := arm-none-eabi-gcc

# The release stands in the file VERSION, and is the tag vRELEASE of git.  Exactly there, or
# without git, VERSION is "1.1.0"; elsewhere "1.1.0+" and which commit, "-dirty" if not even that.
RELEASE := $(shell cat VERSION)
COMMIT  := $(shell git describe --always --dirty --tags --match 'v$(RELEASE)' 2>/dev/null)
VERSION := $(RELEASE)$(addprefix +,$(patsubst v$(RELEASE)-%,%,$(filter-out v$(RELEASE),$(COMMIT))))
BCD     := 0x0$(subst .,,$(RELEASE))

# What was mistyped is told before anything is done.  A chip has an example, or is none here.
TARGETS := $(patsubst examples/demo_%.c,%,$(wildcard examples/demo_*.c))
VALUES  := BUILD BOARD TARGET TARGETS USB_VID USB_PID USB_PID_BOOT WEBUSB_URL PROBE PORT SERIAL \
    CPUTAPID GDB_PORT UART_PORT CONTROL_PORT CC_ARM CC_HOST RELEASE VERSION
blank    := $() $()
quoted   = '$(subst ','\'',$1)'
ifneq ($(shell sh tools/values.sh $(call quoted,$(MAKECMDGOALS)) $(call quoted,$(MAKEOVERRIDES)) \
        $(foreach v,$(VALUES),$(call quoted,$v=$($v))) >&2; echo $$?),0)
$(error That cannot be made)
endif

# --- firmware ---------------------------------------------------------------
CROSS  := arm-none-eabi-
WARN   := -Wall -Wextra -Wconversion -Wshadow -Werror

ARM_FLAGS := -std=gnu11 -mcpu=cortex-m3 -mthumb -Os -g3 -ffreestanding -nostdlib \
    -ffunction-sections -fdata-sections $(WARN) -I. \
    -DBOARD=BOARD_$(shell echo $(BOARD) | tr a-z A-Z) \
    -DUSB_VID=$(USB_VID) -DUSB_PID=$(USB_PID) -DUSB_PID_BOOT=$(USB_PID_BOOT) \
    -DWEBUSB_URL='"$(WEBUSB_URL)"' -DBCD_DEVICE=$(BCD) -MMD -MP -fcallgraph-info=su

# Passes of -Os that make this code larger: what each costs, with two compilers, is in
# docs/size.md, and test/flags.sh measures it again; together 1.4 KB.  The files that every byte
# goes through keep them, but for the last, which loses no time, and but for adi.c, whose bytes
# all go through swd.c: see `make bench`.
# CALLS makes calls of short functions that are wanted more than once, which INPLACE keeps in
# place: 480 bytes; gcc still takes some calls for longer than they are, and those functions say
# "noinline".
SMALL := -fno-thread-jumps -fno-move-loop-invariants -fno-if-conversion \
    -fno-tree-tail-merge -fno-schedule-insns2 -fno-caller-saves -fno-ssa-phiopt \
    -fno-forward-propagate -fno-tree-loop-optimize -fno-tree-dominator-opts \
    -fno-reorder-blocks -fno-tree-coalesce-vars \
    -fno-tree-scev-cprop
CALLS := -fno-inline-small-functions --param=uninlined-function-insns=0
INPLACE := adi cmsis_dap
FAST := swd rsp cdc usb_ep mem hex

# Each image is compiled as a whole when it is linked (-flto): calls between files get as cheap
# as those within one, and what is called with one value only is made for that value.  860
# bytes of the probe, 320 of the bootloader, 2 % of the time.  Not mem.c: gcc calls it when all
# that is done.  An object holds plain code too (fat), which test/size.py looks at.  When
# all is one piece, sections for each function only cost their alignment: 100 bytes.
LTO := -flto -ffat-lto-objects
ARM_LD := $(SMALL) $(CALLS) -flto-partition=one -fno-function-sections \
    -Wl,--gc-sections -Wl,--build-id=none -Wl,--no-warn-rwx-segments -lgcc

# In boot order, then from the wire up.
boot_c  := boot.c clock.c deadline.c pin.c backup.c mem.c usb.c usb_ep.c dfu.c selfflash.c
probe_c := probe.c clock.c deadline.c pin.c crash.c backup.c mem.c dfu.c usb.c usb_ep.c \
           cdc.c uart.c live.c rtt.c watch.c swo.c semihost.c settings.c swd.c wire.c adi.c reg.c say.c error.c cortexm.c fault.c target.c flash_job.c \
           loader.c crc.c options.c flash.c chips_sam.c chips_stm32.c chips_nordic.c \
           gdb_remote.c gdb_run.c gdb_memory.c gdb_xml.c swbreak.c monitor.c \
           rsp.c print.c hex.c cmsis_dap.c

# Their texts are squeezed before they are compiled: 1.4 KB less (see tools/squeeze.py).
PRINTS := print error fault target options rtt swo semihost chips_nordic gdb_remote gdb_run gdb_memory gdb_xml \
          monitor

# --- virtual board ----------------------------------------------------------
HOST_FLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wshadow -Werror -MMD -MP
sim_c      := $(filter-out sim/main.c,$(wildcard sim/*.c))

.PHONY: all
all: firmware $(BUILD)/bluepill examples
.PHONY: firmware examples
firmware: $(foreach i,boot probe,$(BUILD)/$(i).bin $(BUILD)/$(i).hex) \
          $(BUILD)/probe.dfu $(BUILD)/pillbug.bin $(BUILD)/pillbug.hex

$(BUILD)/sim/%.o: sim/%.c
	@mkdir -p $(@D)
	$(CC_HOST) $(HOST_FLAGS) -c -o $@ $<
$(BUILD)/libsim.a: $(sim_c:sim/%.c=$(BUILD)/sim/%.o)
	rm -f $@ && ar rcs $@ $^
$(BUILD)/bluepill: $(BUILD)/sim/main.o $(BUILD)/libsim.a
	$(CC_HOST) -o $@ $^ -lm

# --- firmware images ----------------------------------------------------------
# Another BOARD, id or release is another image, though no file has changed; and so are other
# flags, which are in here.  Which commit it is, only two files say.
$(BUILD)/options: now := $(BOARD) $(USB_VID) $(USB_PID) $(USB_PID_BOOT) $(WEBUSB_URL) $(BCD)
$(BUILD)/version: now := $(VERSION)
$(BUILD)/options $(BUILD)/version: FORCE
	@mkdir -p $(@D)
	@echo '$(now)' | cmp -s - $@ || echo '$(now)' > $@
.PHONY: FORCE
FORCE:

$(FAST:%=$(BUILD)/arm/%.o): SMALL := -fno-tree-scev-cprop
$(FAST:%=$(BUILD)/arm/%.o) $(INPLACE:%=$(BUILD)/arm/%.o): CALLS :=
# ... and would see a copying loop in memcpy, and have it call memcpy.
$(BUILD)/arm/mem.o: LTO := -fno-tree-loop-distribute-patterns
VERSIONED := $(BUILD)/arm/monitor.o $(BUILD)/arm/cmsis_dap.o
$(VERSIONED): ARM_FLAGS += -DVERSION='"$(VERSION)"'
COMPILE_ARM = @mkdir -p $(@D) && $(CC_ARM) $(ARM_FLAGS) $(SMALL) $(CALLS) $(LTO) -c -o $@ $<
# Their formats are squeezed too: whether the arguments fit is asked when the unit tests are built.
$(PRINTS:%=$(BUILD)/arm/%.o): ARM_FLAGS += -Wno-format
$(PRINTS:%=$(BUILD)/arm/%.o): $(BUILD)/arm/%.o: $(BUILD)/text/%.c $(BUILD)/options Makefile
	$(COMPILE_ARM)
$(BUILD)/arm/%.o: %.c $(BUILD)/options Makefile
	$(COMPILE_ARM)
$(VERSIONED): $(BUILD)/version
$(PRINTS:%=$(BUILD)/text/%.c): $(BUILD)/text/done ;
$(BUILD)/text/done: tools/squeeze.py $(PRINTS:%=%.c)
	@mkdir -p $(@D)
	python3 tools/squeeze.py $(@D) $(PRINTS:%=%.c)
	@touch $@
$(BUILD)/arm/%.o: %.s $(BUILD)/options Makefile
	@mkdir -p $(@D)
	$(CC_ARM) $(ARM_FLAGS) -x assembler-with-cpp -c -o $@ $<

$(BUILD)/boot.elf: $(BUILD)/arm/startup.o $(boot_c:%.c=$(BUILD)/arm/%.o) link.ld
	$(CC_ARM) $(ARM_FLAGS) -T link.ld -Wl,--defsym=IMAGE_START=0x08000000 \
	    -Wl,--defsym=IMAGE_SIZE=0x2000 -Wl,-Map,$(@:.elf=.map) -o $@ $(filter %.o,$^) $(ARM_LD)
$(BUILD)/probe.elf: $(BUILD)/arm/startup.o $(BUILD)/arm/loader_code.o $(BUILD)/arm/swd_words.o $(probe_c:%.c=$(BUILD)/arm/%.o) link.ld
	$(CC_ARM) $(ARM_FLAGS) -T link.ld -Wl,--defsym=IMAGE_START=0x08002000 \
	    -Wl,--undefined=serial_vectors \
	    -Wl,--defsym=IMAGE_SIZE=0xDC00 -Wl,-Map,$(@:.elf=.map) -o $@ $(filter %.o,$^) $(ARM_LD)
%.bin: %.elf
	$(CROSS)objcopy -O binary $< $@
	$(CROSS)objdump -dS $< > $(@:.bin=.lst)
%.hex: %.elf
	$(CROSS)objcopy -O ihex $< $@
# For dfu-util: the image, and for which device it is.
%.dfu: %.bin test/dfu_suffix.py
	python3 test/dfu_suffix.py $(USB_VID) $(USB_PID_BOOT) $< $@
# The whole chip: the bootloader, erased flash up to 0x08002000, the probe.
$(BUILD)/pillbug.bin: $(BUILD)/boot.bin $(BUILD)/probe.bin
	$(CROSS)objcopy -I binary -O binary --gap-fill 0xFF --pad-to 0x2000 $< $@.tmp
	cat $@.tmp $(BUILD)/probe.bin > $@ && rm $@.tmp
$(BUILD)/pillbug.hex: $(BUILD)/pillbug.bin
	$(CROSS)objcopy -I binary -O ihex --change-addresses 0x08000000 $< $@

# --- examples -----------------------------------------------------------------
# demo-CHIP runs on a target chip; hello and blinky in the board's own application slot.
EXAMPLE_FLAGS := -std=gnu11 -mthumb -Og -g3 -ffreestanding -nostdlib \
    -ffunction-sections $(WARN) -T examples/example.ld
example_samd21    := -mcpu=cortex-m0plus -DCHIP_NAME='"SAMD21G18A"' \
    -Wl,--defsym=FLASH_START=0 -Wl,--defsym=FLASH_SIZE=0x40000 -Wl,--defsym=RAM_SIZE=0x8000
example_samc21    := -mcpu=cortex-m0plus -DCHIP_NAME='"SAMC21J18A"' \
    -Wl,--defsym=FLASH_START=0 -Wl,--defsym=FLASH_SIZE=0x40000 -Wl,--defsym=RAM_SIZE=0x8000
example_saml21    := -mcpu=cortex-m0plus -DCHIP_NAME='"SAML21J18B"' \
    -Wl,--defsym=FLASH_START=0 -Wl,--defsym=FLASH_SIZE=0x40000 -Wl,--defsym=RAM_SIZE=0x8000
example_samd51    := -mcpu=cortex-m3 -DCHIP_NAME='"SAMD51J20A"' -Wa,--defsym,IRQS=70 \
    -Wl,--defsym=FLASH_START=0 -Wl,--defsym=FLASH_SIZE=0x100000 -Wl,--defsym=RAM_SIZE=0x40000
example_sam3x8e := -mcpu=cortex-m3 -DCHIP_NAME='"SAM3X8E"' \
    -Wl,--defsym=FLASH_START=0x80000 -Wl,--defsym=FLASH_SIZE=0x80000 \
    -Wl,--defsym=RAM_SIZE=0x10000
example_sam4s16 := -mcpu=cortex-m3 -DCHIP_NAME='"SAM4S16C"' \
    -Wl,--defsym=FLASH_START=0x400000 -Wl,--defsym=FLASH_SIZE=0x100000 \
    -Wl,--defsym=RAM_SIZE=0x20000
example_stm32f030 := -mcpu=cortex-m0 -DCHIP_NAME='"STM32F030R8"' \
    -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=0x10000 \
    -Wl,--defsym=RAM_SIZE=0x2000
example_stm32f303 := -mcpu=cortex-m3 -DCHIP_NAME='"STM32F303RC"' \
    -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=0x40000 \
    -Wl,--defsym=RAM_SIZE=0xA000
example_stm32f103 := -mcpu=cortex-m3 -DCHIP_NAME='"STM32F103C8"' \
    -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=0x10000 \
    -Wl,--defsym=RAM_SIZE=0x5000
example_stm32f103xg := -mcpu=cortex-m3 -DCHIP_NAME='"STM32F103RG"' \
    -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=0x100000 \
    -Wl,--defsym=RAM_SIZE=0x18000
example_stm32f107 := -mcpu=cortex-m3 -DCHIP_NAME='"STM32F107RC"' \
    -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=0x40000 \
    -Wl,--defsym=RAM_SIZE=0x10000
example_stm32f205 := -mcpu=cortex-m3 -DCHIP_NAME='"STM32F205RG"' \
    -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=0x100000 \
    -Wl,--defsym=RAM_SIZE=0x20000
# For a Cortex-M3, as far as the virtual chips' cores know a Cortex-M4.
example_stm32f405 := -mcpu=cortex-m3 -DCHIP_NAME='"STM32F405RG"' \
    -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=0x100000 \
    -Wl,--defsym=RAM_SIZE=0x20000
example_stm32f429 := -mcpu=cortex-m3 -DCHIP_NAME='"STM32F429ZI"' \
    -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=0x200000 \
    -Wl,--defsym=RAM_SIZE=0x30000
# The stack is in SRAM2, which the data cache keeps, as most programs for this chip have it.
example_stm32f746 := -mcpu=cortex-m3 -DCHIP_NAME='"STM32F746ZG"' \
    -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=0x100000 \
    -Wl,--defsym=RAM_SIZE=0x50000
example_stm32f767 := -mcpu=cortex-m3 -DCHIP_NAME='"STM32F767ZI"' \
    -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=0x200000 \
    -Wl,--defsym=RAM_SIZE=0x80000
example_nrf51822  := -mcpu=cortex-m0 -DCHIP_NAME='"nRF51822"' \
    -Wl,--defsym=FLASH_START=0 -Wl,--defsym=FLASH_SIZE=0x40000 -Wl,--defsym=RAM_SIZE=0x4000
example_nrf52840  := -mcpu=cortex-m3 -DCHIP_NAME='"nRF52840"' \
    -Wl,--defsym=FLASH_START=0 -Wl,--defsym=FLASH_SIZE=0x100000 -Wl,--defsym=RAM_SIZE=0x40000
example_stm32g071 := -mcpu=cortex-m0plus -DCHIP_NAME='"STM32G071RB"' \
    -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=0x20000 \
    -Wl,--defsym=RAM_SIZE=0x9000
example_stm32g0b1 := -mcpu=cortex-m0plus -DCHIP_NAME='"STM32G0B1RE"' \
    -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=0x80000 \
    -Wl,--defsym=RAM_SIZE=0x24000
example_stm32g474 := -mcpu=cortex-m3 -DCHIP_NAME='"STM32G474RE"' \
    -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=0x80000 \
    -Wl,--defsym=RAM_SIZE=0x18000
example_stm32l053 := -mcpu=cortex-m0plus -DCHIP_NAME='"STM32L053R8"' \
    -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=0x10000 \
    -Wl,--defsym=RAM_SIZE=0x2000
example_stm32l152 := -mcpu=cortex-m3 -DCHIP_NAME='"STM32L152RC"' \
    -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=0x40000 \
    -Wl,--defsym=RAM_SIZE=0x8000
example_stm32l152rb := -mcpu=cortex-m3 -DCHIP_NAME='"STM32L152RB"' \
    -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=0x20000 \
    -Wl,--defsym=RAM_SIZE=0x4000
example_stm32l476 := -mcpu=cortex-m3 -DCHIP_NAME='"STM32L476RG"' \
    -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=0x100000 \
    -Wl,--defsym=RAM_SIZE=0x18000
# 8 KB of RAM, so that it also runs on the smaller chips of the family.
example_slot      := -mcpu=cortex-m3 -Wl,--defsym=FLASH_START=0x08002000 \
    -Wl,--defsym=FLASH_SIZE=0xE000 -Wl,--defsym=RAM_SIZE=0x2000

# -O0: every local can be looked at.
$(BUILD)/examples/demo-%.elf: examples/startup.s examples/demo.c examples/demo_%.c \
                              examples/demo_crc.s examples/demo.h examples/example.ld
	@mkdir -p $(@D)
	$(CC_ARM) $(EXAMPLE_FLAGS) -O0 $(example_$*) -o $@ $(filter %.s %.c,$^) -lgcc
$(BUILD)/examples/hello.elf $(BUILD)/examples/blinky.elf: $(BUILD)/examples/%.elf: \
        examples/startup.s examples/%.c examples/example.ld
	@mkdir -p $(@D)
	$(CC_ARM) $(EXAMPLE_FLAGS) $(example_slot) -o $@ $(filter %.s %.c,$^)
# How a program talks to its debugger; for other chips by name, as build/examples/rtt-saml21.elf.
# ITM is for those that have it, and a clock out of reset that is known here.
itm_stm32f103 := -DSTM32F1 -DHZ=8000000
itm_stm32f405 := -DHZ=16000000
itm_stm32l476 := -DHZ=4000000
talking := $(foreach c,samd21 stm32f103,rtt-$(c) semihosting-$(c)) \
    $(foreach c,stm32f103 stm32f405 stm32l476,itm-$(c))
TALK = @mkdir -p $(@D) && $(CC_ARM) $(EXAMPLE_FLAGS) $(example_$*) $(itm_$*) -o $@ $(filter %.s %.c,$^) -lgcc
$(BUILD)/examples/rtt-%.elf: examples/startup.s examples/rtt.c examples/example.ld
	$(TALK)
$(BUILD)/examples/semihosting-%.elf: examples/startup.s examples/semihosting.c examples/example.ld
	$(TALK)
$(BUILD)/examples/itm-%.elf: examples/startup.s examples/itm.c examples/example.ld
	$(TALK)
examples: $(BUILD)/examples/blinky.dfu \
          $(foreach e,$(TARGETS:%=demo-%) $(talking) hello blinky,$(BUILD)/examples/$(e).bin \
                                                            $(BUILD)/examples/$(e).hex)

# --- unit tests: test/unit/test_X.c, linked with the firmware files that unit_X names --
UNIT_FLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Wshadow -Werror -MMD -MP \
    -fsanitize=address,undefined -fno-sanitize-recover=undefined -I. \
    -DBOARD=BOARD_BLUEPILL -DUSB_VID=0x1209 -DUSB_PID=0x0001 -DVERSION='"test"'
unit_adi := adi.c deadline.c
unit_cortexm := cortexm.c fault.c deadline.c
unit_flash := target.c reg.c flash_job.c flash.c loader.c options.c chips_stm32.c chips_sam.c chips_nordic.c \
    deadline.c
unit_gdb_remote := test/unit/gdb_fakes.c test/unit/uart_fakes.c test/unit/live_fakes.c gdb_remote.c gdb_run.c gdb_memory.c gdb_xml.c \
    swbreak.c monitor.c semihost.c say.c rsp.c print.c hex.c deadline.c
unit_rsp := $(unit_gdb_remote)
unit_semihost := $(unit_gdb_remote)
unit_monitor := $(unit_gdb_remote)
unit_usb := usb.c
unit_dfu := dfu.c deadline.c
unit_selfflash := selfflash.c
unit_usb_control := usb.c dfu.c deadline.c
unit_cdc := cdc.c
unit_cmsis_dap := test/unit/dap_fakes.c cmsis_dap.c deadline.c
unit_print := print.c hex.c
unit_uart := uart.c pin.c deadline.c
unit_swo := swo.c pin.c reg.c
unit_settings := settings.c
unit_error := error.c
unit_tests := $(patsubst test/unit/test_%.c,$(BUILD)/unit/test_%,$(wildcard test/unit/test_*.c))

.SECONDEXPANSION:
$(BUILD)/unit/test_%: test/unit/test_%.c $$(unit_%)
	@mkdir -p $(@D)
	$(CC_HOST) $(UNIT_FLAGS) -o $@ $(filter %.c,$^) -lcmocka

# --- fuzzing: test/fuzz/fuzz_X.c, linked like the unit test of the same name -------------
fuzz_tests := $(patsubst test/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard test/fuzz/fuzz_*.c))
$(BUILD)/fuzz/fuzz_%: test/fuzz/fuzz_%.c $$(unit_%)
	@mkdir -p $(@D)
	$(CC_HOST) $(UNIT_FLAGS) -o $@ $(filter %.c,$^)

# --- board tests: test/sim/*.c, cmocka programs that include only sim/board.h -----------
sim_tests := $(patsubst test/sim/%.c,$(BUILD)/test-sim/%,$(wildcard test/sim/*.c))
# Small programs for the virtual board, by which some of these see what a chip does.
programs := $(patsubst test/sim/%.c,$(BUILD)/%.bin,$(wildcard test/sim/programs/*.c))
$(BUILD)/programs/%.bin: test/sim/programs/%.c $(wildcard test/sim/programs/*.h) \
                         test/sim/programs/program.ld
	@mkdir -p $(@D)
	$(CC_ARM) -std=gnu11 -mcpu=cortex-m3 -mthumb -Os -g -ffreestanding -nostdlib \
	    -fno-tree-loop-distribute-patterns $(WARN) -Wl,--build-id=none \
	    -Wl,--no-warn-rwx-segments -T test/sim/programs/program.ld -o $(@:.bin=.elf) $< -lgcc
	$(CROSS)objcopy -O binary -j .text $(@:.bin=.elf) $@
$(BUILD)/test-sim/%: test/sim/%.c test/lib/rsp_client.c test/lib/dap_client.c test/lib/usb_user.c \
                     $(wildcard test/lib/*.h) $(BUILD)/libsim.a | $(programs)
	@mkdir -p $(@D)
	$(CC_HOST) $(HOST_FLAGS) -Isim -Itest/lib -o $@ $(filter %.c,$^) $(BUILD)/libsim.a \
	    -lcmocka -lm
# A debug adapter for OpenOCD, with a chip and without our firmware.
$(BUILD)/judge/bitbang: test/judge/bitbang.c $(BUILD)/libsim.a
	@mkdir -p $(@D)
	$(CC_HOST) $(HOST_FLAGS) -Isim -o $@ $(filter %.c,$^) $(BUILD)/libsim.a -lm
$(BUILD)/bench: $(wildcard test/bench/*.c) test/lib/rsp_client.c test/lib/dap_client.c $(BUILD)/libsim.a
	$(CC_HOST) $(HOST_FLAGS) -Isim -Itest/lib -o $@ $(filter %.c,$^) $(BUILD)/libsim.a -lm

# --- what a person types ----------------------------------------------------------------
.PHONY: help deps run board check test bench size callers chips flash clean
define HELP
make run      debug a program on a virtual chip through a virtual Blue Pill, with the real
              gdb; installs what is missing
make board    the same virtual board, left running for your own gdb: TARGET=$(subst $(blank), or ,$(TARGETS));
              GDB_PORT, UART_PORT, CONTROL_PORT=... other TCP ports than 3333 to 3335
make test     every test; make check: only the fast ones
make bench    speed and size table, in simulated time
make size     image sizes against their budgets, file by file; the stack's depth
make callers  who calls each file, and whom it calls
make chips    which chips the probe knows; tries each virtual one, CHIP=... only that

make flash    write pillbug.bin to a board through PROBE=stlink (default), cmsis-dap, pillbug;
              SERIAL=... which probe, PORT=/dev/... of a Pillbug, CPUTAPID=0 for clone chips
make dfu      update a plugged-in board over USB; SERIAL=... which one
make udev     let users open the board (Linux, once)
make hex2bin  IN=x.hex OUT=x.bin: for tool chains that only write HEX

make          build everything into $(BUILD)/ (BUILD=...); make firmware, make examples: only those
make release  images of both boards, web page, udev rule, checksums in $(BUILD)/release/
make clean    remove $(BUILD)/
make deps     install what building and testing need (Debian: apt)
make help     this list

Images for another board: BOARD=bluepill or stlink (the ST-Link V2 clone dongle); with other
ids of USB: USB_VID, USB_PID, USB_PID_BOOT=0x...; with a page that a browser offers for a board
in its bootloader: WEBUSB_URL=example.org/page
endef
help:
	@: $(info $(HELP))

# Each needs what it uses, and no more.
deps: deps-test
deps-%:
	@sh test/deps.sh $*

run: deps-run
	@$(MAKE) --no-print-directory --silent all
	@BUILD=$(BUILD) sh test/session/demo.sh

board: deps-board
	@$(MAKE) --no-print-directory --silent all
	@BUILD=$(BUILD) sh test/session/board.sh $(TARGET)

check: deps-check
	@$(MAKE) --no-print-directory --silent firmware tests-fast
	@BUILD=$(BUILD) sh test/run.sh unit static

test: deps-test
	@$(MAKE) --no-print-directory --silent all tests-fast tests-board
	@BUILD=$(BUILD) sh test/run.sh unit static cpu sim session judge host web

.PHONY: tests-fast tests-board
tests-fast: $(unit_tests) $(fuzz_tests)
tests-board: $(sim_tests) $(programs) $(BUILD)/judge/bitbang

bench: deps-bench
	@$(MAKE) --no-print-directory --silent all $(BUILD)/bench
	@env BUILD=$(BUILD) $$(python3 test/size.py $(BUILD) --sh) $(BUILD)/bench $(BUILD)/bench.json \
	    $(BUILD)/bench.plot
	@python3 test/bench/plot.py $(BUILD)/bench.plot $(BUILD)
	@echo "Pictures: $(BUILD)/load-time.svg, $(BUILD)/load-share.svg"

callers: deps-build
	@$(MAKE) --no-print-directory --silent firmware
	@BUILD=$(BUILD) sh test/names.sh callers

chips: deps-test
	@$(MAKE) --no-print-directory --silent firmware examples $(BUILD)/bluepill
	@BUILD=$(BUILD) sh test/session/chips.sh $(CHIP)

size: deps-build
	@$(MAKE) --no-print-directory --silent firmware
	@python3 test/size.py $(BUILD)

# What the scripts go by; PROBE, PORT, SERIAL and CPUTAPID they see by themselves.
DEVICES := USB_VID=$(USB_VID) USB_PID=$(USB_PID) USB_PID_BOOT=$(USB_PID_BOOT)
flash: firmware
	@$(DEVICES) sh tools/flash.sh $(BUILD)/pillbug.bin

.PHONY: hex2bin
hex2bin:
	@sh tools/hex2bin.sh $(call quoted,$(IN)) $(call quoted,$(OUT))

.PHONY: dfu udev
dfu: firmware
	@$(DEVICES) sh tools/dfu.sh $(BUILD)/probe.dfu
udev:
	@$(DEVICES) sh tools/udev.sh

.PHONY: release
release: deps-build
	@$(DEVICES) BUILD=$(BUILD) VERSION=$(VERSION) sh tools/release.sh

clean:
	rm -rf $(BUILD)

.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
