// The additive lagged Fibonacci generator of BSD's random(3) and its heirs: x[i] = x[i-degree] + x[i-separation] modulo 2^32.
#pragma once
#include "device.h"

// A word is x[i] without its lowest bit, which has the short period of the trinomial. The heirs differ in how they fill the ring.
template <class W, u32 degree, u32 separation> struct AdditiveFeedback {
    enum : u32 { word_bits = 31, reach = unlimited };
    W ring[degree];
    u32 front;

    HD W next() {
        W sum = ring[front] + ring[lagged()];
        ring[front] = sum;
        front = front == degree - 1 ? 0 : front + 1;
        return sum >> 1;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
    HD void back() {
        front = front == 0 ? degree - 1 : front - 1;
        ring[front] = ring[front] - ring[lagged()];
    }

  protected:
    HD void begin() { front = separation; }
    // Begin after `rounds` times through the whole ring.
    HD void begin_after(u32 rounds) {
        for (u32 round = 0; round < rounds; ++round) {
            for (u32 i = separation; i < degree; ++i) ring[i] = ring[i] + ring[i - separation];
            for (u32 i = 0; i < separation; ++i) ring[i] = ring[i] + ring[i + (degree - separation)];
        }
        begin();
    }

  private:
    HD u32 lagged() const { return front < separation ? front + (degree - separation) : front - separation; }
};
