// Paging: before each forward pass, a device that holds more than its budget reads the bytes in
// excess from its storage. Class Pager reads these bytes from the model file on this computer.
// DeviceClock computes how long the emulated device takes for it.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "runtime/memory/device_memory.hpp"

namespace headroom::runtime {

class Pager {
  public:
    /// Reads `bytes` of the device's weights from the model file again, into the memory that holds
    /// these weights already: their values do not change, and no memory is allocated. A call begins
    /// where the last call ended, goes through the blocks in block order, and starts over after the
    /// last block. `bytes` can be more than all weights of the device, because caches and buffers
    /// also use up the budget. Then weights are read more than once. Throws EnvironmentError,
    /// naming the device, if the file cannot be read. Precondition: memory.has_storage() and
    /// memory.holds_any().
    void read(DeviceMemory& memory, Bytes bytes, std::string_view device_name);

  private:
    struct PiecePosition {
        model::Block* block = nullptr;
        std::size_t piece = 0;
    };
    /// Returns the piece (some rows of a matrix) that has the next byte to read. Skips pieces
    /// already read and blocks that the device no longer holds.
    PiecePosition next_piece(DeviceMemory& memory);

    BlockId block_{0};
    std::size_t piece_ = 0;
    Bytes offset_ = 0; ///< offset of the next byte within the piece
};

} // namespace headroom::runtime
