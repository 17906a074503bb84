#include "runtime/device/migration.hpp"

#include "base/check.hpp"
#include "base/checksum.hpp"
#include "base/error.hpp"
#include "runtime/device/move_times.hpp"
#include "runtime/messages/wire.hpp"

namespace headroom::runtime {

namespace {

using scheduler::Move;

class Migration {
  public:
    Migration(
        DeviceMemory& memory,
        const MigrationTask& task,
        device::DeviceClock& clock,
        comm::Transport& transport
    )
        : memory_(memory), blocks_(memory.blocks()), task_(task), transport_(transport),
          plan_(memory, task.transition, transport.size()), moves_(plan_.moves()),
          times_(moves_, blocks_, memory.self(), clock, task.epoch), checksums_(moves_.size(), 0),
          pieces_sent_(moves_.size(), 0) {}

    std::vector<ArrivedBlock> run(std::span<Bytes> sent_bytes);

  private:
    void copy_pieces();
    void send_piece(std::size_t move, std::size_t piece);
    void free_piece(std::size_t move, std::size_t piece);
    void receive_piece(std::size_t move, std::size_t piece);
    void load_piece(std::size_t move, std::size_t piece);
    void check_checksum(
        std::size_t move, std::size_t piece, std::uint64_t sum, std::uint64_t expected
    );
    void remove_moved_blocks();
    std::vector<ArrivedBlock> receive_times();

    struct PieceAt {
        model::Block* block;
        std::size_t index;
    };
    [[nodiscard]] PieceAt stored_piece(std::size_t move, std::size_t piece);
    [[nodiscard]] std::vector<std::span<std::byte>> bytes_of(std::size_t move, std::size_t piece);
    [[nodiscard]] DeviceId self() const { return memory_.self(); }
    [[nodiscard]] comm::WaitReason wait_reason(std::string_view what) const {
        return {what, -1, task_.epoch, -1};
    }

    DeviceMemory& memory_;
    const scheduler::Blocks& blocks_;
    const MigrationTask& task_;
    comm::Transport& transport_;
    const MigrationPlan plan_;
    const std::vector<Move>& moves_;
    MoveTimes times_;
    std::vector<std::uint64_t> checksums_; ///< at the target: of the received pieces
    std::vector<std::size_t> pieces_sent_; ///< at the source: pieces that the target has received
};

std::vector<ArrivedBlock> Migration::run(std::span<Bytes> sent_bytes) {
    if (memory_.has_workspace()) {
        memory_.workspace().wait_for_sends(transport_, wait_reason("sends before a migration"));
        memory_.workspace().release_staging();
    }
    times_.begin(task_.t_switch, sent_bytes);
    if (plan_.tied().drops_lm_head_matrix(self())) {
        memory_.block(blocks_.lm_head()).release_matrix();
    }
    copy_pieces();
    remove_moved_blocks();
    std::vector<ArrivedBlock> arrived = receive_times();
    memory_.install(task_.transition.to);
    return arrived;
}

void Migration::copy_pieces() {
    const std::vector<scheduler::PieceStep> steps = plan_.piece_order();
    for (const Move& move : moves_) {
        if (move.to == self()) {
            memory_.add(move.block, memory_.make_block(move.block, task_.transition.to));
        }
    }
    for (const scheduler::PieceStep& step : steps) {
        const auto move = static_cast<std::size_t>(step.move);
        const auto piece = static_cast<std::size_t>(step.piece);
        if (moves_[move].from == self()) {
            send_piece(move, piece);
            free_piece(move, piece);
        } else if (moves_[move].to == self()) {
            receive_piece(move, piece);
        }
    }
}

/// Returns the block that stores a weight piece of a leaving move, and the piece's index there. A
/// tied lm_head without a matrix uses embed's. Both blocks begin with the matrix, so the pieces
/// that lm_head lacks are the first ones of embed.
Migration::PieceAt Migration::stored_piece(std::size_t move, std::size_t piece) {
    model::Block& own = memory_.block(moves_[move].block);
    const std::size_t borrowed = plan_.weight_pieces(move) - own.pieces();
    if (piece < borrowed) {
        return {&memory_.block(blocks_.embed()), piece};
    }
    return {&own, piece - borrowed};
}

/// Returns the memory of a piece on this device. Of a cache page these are only the used parts.
std::vector<std::span<std::byte>> Migration::bytes_of(std::size_t move, std::size_t piece) {
    const Move& what = moves_[move];
    if (!plan_.is_weight(move, piece)) {
        const CachePage place = plan_.cache_page(move, piece);
        const std::int64_t rows = task_.transition.rows[static_cast<std::size_t>(place.slot)];
        const auto used = memory_.cache(what.block, place.slot).used_parts(place.page, rows);
        return {used.begin(), used.end()};
    }
    const PieceAt place = what.from == self() ? stored_piece(move, piece)
                                              : PieceAt{&memory_.block(what.block), piece};
    return {place.block->piece(place.index)};
}

/// Sends the piece, or only its checksum if the target reads the piece from its storage.
void Migration::send_piece(std::size_t move, std::size_t piece) {
    const Move& what = moves_[move];
    WireHeader header;
    header.epoch = task_.epoch;
    header.turn = static_cast<std::int64_t>(piece);
    header.kind = -1;
    header.index = what.block.value;
    header.timing = times_.timing(move);
    std::vector<comm::ConstPart> outgoing{std::as_bytes(std::span(&header, 1))};
    for (const auto part : bytes_of(move, piece)) {
        header.checksum = checksum(part, header.checksum);
        if (plan_.is_sent(move, piece)) {
            header.bytes += static_cast<Bytes>(part.size());
            outgoing.emplace_back(part);
        }
    }
    comm::PendingSend send =
        transport_.start_synchronous_send(what.to, comm::Tag::migration, outgoing);
    transport_.wait(send, wait_reason("a migrated piece to be taken"));
}

/// Frees a piece that the target has received, unless this device still uses its memory.
void Migration::free_piece(std::size_t move, std::size_t piece) {
    ++pieces_sent_[move];
    const auto move_sharing_piece = plan_.move_sharing_piece(move, piece);
    const bool other_move_needs_it =
        move_sharing_piece && pieces_sent_[*move_sharing_piece] <= piece;
    if (plan_.tied().is_kept_in_use(moves_[move]) || other_move_needs_it) {
        return; // freed with the last block that uses it
    }
    if (plan_.is_weight(move, piece)) {
        const PieceAt place = stored_piece(move, piece);
        place.block->free_piece(place.index);
    } else {
        const CachePage place = plan_.cache_page(move, piece);
        memory_.cache(moves_[move].block, place.slot).free_page(place.page);
    }
}

void Migration::receive_piece(std::size_t move, std::size_t piece) {
    const Move& what = moves_[move];
    if (plan_.is_weight(move, piece)) {
        (void)memory_.block(what.block).allocate_piece(piece);
    } else {
        const CachePage place = plan_.cache_page(move, piece);
        memory_.cache(what.block, place.slot).allocate_page(place.page);
    }
    const auto parts = bytes_of(move, piece);
    WireHeader header;
    std::vector<comm::Part> incoming{std::as_writable_bytes(std::span(&header, 1))};
    if (plan_.is_sent(move, piece)) {
        incoming.insert(incoming.end(), parts.begin(), parts.end());
    } else {
        load_piece(move, piece);
    }
    transport_.receive(what.from, comm::Tag::migration, incoming, wait_reason("a migrated piece"));
    HEADROOM_CHECK(
        header.epoch == task_.epoch && header.index == what.block.value &&
            header.turn == static_cast<std::int64_t>(piece),
        "expected piece {} of block {}, epoch {}; got piece {} of block {}, epoch {}",
        piece,
        what.block.value,
        task_.epoch,
        header.turn,
        header.index,
        header.epoch
    );
    std::uint64_t sum = 0;
    for (const auto part : parts) {
        sum = checksum(part, sum);
    }
    check_checksum(move, piece, sum, header.checksum);
    times_.timing(move) = header.timing;
    checksums_[move] = mix_bits(checksums_[move] ^ sum);
}

void Migration::load_piece(std::size_t move, std::size_t piece) {
    try {
        memory_.storage().read(memory_.block(moves_[move].block), piece);
    } catch (const EnvironmentError& error) {
        throw EnvironmentError(fmt::format(
            "device {} ({}) cannot load {} from its own storage: {}",
            self().value,
            task_.device_name,
            to_string(blocks_.name(moves_[move].block)),
            error.what()
        ));
    }
}

void Migration::check_checksum(
    std::size_t move, std::size_t piece, std::uint64_t sum, std::uint64_t expected
) {
    if (sum == expected) {
        return;
    }
    const Move& what = moves_[move];
    const std::string name = to_string(blocks_.name(what.block));
    if (!plan_.is_sent(move, piece)) {
        throw EnvironmentError(fmt::format(
            "device {} ({}) has other weights of {} in {} than device {} holds (piece {}: checksum "
            "{:016x} instead of {:016x}); put the same model file there, or let weights be sent "
            "(weights = \"move\")",
            self().value,
            task_.device_name,
            name,
            memory_.storage().path().string(),
            what.from.value,
            piece,
            sum,
            expected
        ));
    }
    throw EnvironmentError(fmt::format(
        "piece {} of {} arrived at device {} with checksum {:016x}, but left device {} with "
        "{:016x}: bytes were damaged on the way",
        piece,
        name,
        self().value,
        sum,
        what.from.value,
        expected
    ));
}

/// Removes the blocks that have left. A tied lm_head that stays takes over embed's matrix.
void Migration::remove_moved_blocks() {
    if (plan_.tied().passes_to_lm_head(self())) {
        memory_.block(blocks_.lm_head()).adopt_matrix(memory_.block(blocks_.embed()));
    }
    for (const Move& move : moves_) {
        if (move.from == self()) {
            memory_.remove(move.block);
        }
    }
}

std::vector<ArrivedBlock> Migration::receive_times() {
    std::vector<ArrivedBlock> arrived;
    for (std::size_t i = 0; i < moves_.size(); ++i) {
        if (moves_[i].to == self()) {
            const device::TimeSpan time = times_.arrive(i);
            arrived.push_back({moves_[i], time.start, time.end, checksums_[i]});
        }
    }
    return arrived;
}

} // namespace

std::vector<ArrivedBlock> migrate(
    DeviceMemory& memory,
    const MigrationTask& task,
    device::DeviceClock& clock,
    comm::Transport& transport,
    std::span<Bytes> sent_bytes
) {
    return Migration(memory, task, clock, transport).run(sent_bytes);
}

} // namespace headroom::runtime
