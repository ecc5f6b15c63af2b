/**
 * The watchdog timer (datasheets: "Watchdog Timer", "MCU Status Register"). avr8js has one, whose reset does not keep the watchdog on: bootloaders and programs that
 * forget to turn it off would run where they hang on hardware.
 */
import type { CPU } from "avr8js";

export const MCUSR = 0x54;
export const WDRF = 0x08;
const WDTCSR = 0x60;
const WDIF = 0x80;
const WDIE = 0x40;
const WDCE = 0x10;
const WDE = 0x08;
const PRESCALER = 0x27;
/** Its own oscillator, and the least number of its periods until it ends. */
const OSCILLATOR_HZ = 128_000;
const PERIODS = 2048;
/** "Timed sequence": the second write follows within so many clock cycles. */
const WINDOW = 4;

/** reset: the system reset; MCUSR is the caller's. */
export function attachWatchdog(cpu: CPU, vector: number, clockHz: number, reset: () => void): void {
  const interrupt = { address: vector, flagRegister: WDTCSR, flagMask: WDIF, enableRegister: WDTCSR, enableMask: WDIE };
  let window = Number.NEGATIVE_INFINITY;
  let end = 0;
  let scheduled = false;
  const control = () => cpu.data[WDTCSR] ?? 0;
  const running = () => (control() & (WDE | WDIE)) !== 0;
  const restart = () => {
    const power = ((control() & 0x20) >> 2) | (control() & 0x07);
    end = cpu.cycles + Math.round((PERIODS << power) * (clockHz / OSCILLATOR_HZ));
  };
  // The event of an earlier end stays and looks again when it comes: WDR is often executed, an end is rare.
  const schedule = () => {
    if (scheduled || !running()) return;
    scheduled = true;
    cpu.addClockEvent(look, end - cpu.cycles);
  };
  const look = () => {
    scheduled = false;
    if (running() && cpu.cycles >= end) {
      if ((control() & WDIE) === 0) return reset();
      cpu.setInterruptFlag(interrupt);
      // "Interrupt and System Reset Mode": the interrupt comes once, the next end resets.
      if ((control() & WDE) !== 0) cpu.data[WDTCSR] = control() & ~WDIE;
      restart();
    }
    schedule();
  };
  cpu.onWatchdogReset = restart;
  cpu.writeHooks[WDTCSR] = (value, old) => {
    let next: number;
    if ((value & WDCE) !== 0 && (value & WDE) !== 0) {
      window = cpu.cycles + WINDOW;
      next = (old & PRESCALER) | WDE | (value & WDIE);
    } else if (cpu.cycles <= window) {
      window = Number.NEGATIVE_INFINITY;
      next = value & (PRESCALER | WDE | WDIE);
    } else next = (old & (PRESCALER | WDE)) | (value & (WDE | WDIE));
    if (((cpu.data[MCUSR] ?? 0) & WDRF) !== 0) next |= WDE;
    const flag = (value & WDIF) === 0 ? old & WDIF : 0;
    if (flag === 0) cpu.clearInterrupt(interrupt);
    const sooner = (old & PRESCALER) !== (next & PRESCALER) || !running();
    cpu.data[WDTCSR] = next | flag;
    if (sooner) {
      restart();
      cpu.clearClockEvent(look);
      scheduled = false;
    }
    schedule();
    return true;
  };
  // Flags of MCUSR are cleared by writing zero, none is set by a program.
  cpu.writeHooks[MCUSR] = (value, old) => {
    cpu.data[MCUSR] = old & value;
    return true;
  };
  // "WDE is overridden by WDRF": after its own reset the watchdog goes on, with its shortest time.
  if (((cpu.data[MCUSR] ?? 0) & WDRF) !== 0) {
    cpu.data[WDTCSR] = WDE;
    restart();
    schedule();
  }
}
