// Paging: before a turn's first operation, a device that holds more than its budget reads the
// difference from its storage. This class really reads the bytes from the model file.
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
    /// them already: their values do not change, and no memory is allocated. A call begins where
    /// the last call ended, goes through the blocks in block order, and starts over after the last
    /// block. Caches and buffers count as overload too but are not in the file; weights are read
    /// more than once per call if the overload exceeds them. Returns the bytes read, counted in
    /// memory: exactly `bytes`, or up to one row more where weights are expanded on loading.
    /// Throws EnvironmentError, naming the device, if the file cannot be read.
    /// Precondition: memory.has_storage() and memory.holds_any().
    Bytes read(DeviceMemory& memory, Bytes bytes, std::string_view device_name);

  private:
    struct PiecePosition {
        model::Block* block = nullptr;
        std::size_t piece = 0;
    };
    /// Returns the piece that contains the next byte to read. Skips pieces that have been read and
    /// blocks that the device no longer holds.
    PiecePosition next_piece(DeviceMemory& memory);

    BlockId block_{0};
    std::size_t piece_ = 0;
    Bytes offset_ = 0; ///< of the next byte in piece_
};

} // namespace headroom::runtime
