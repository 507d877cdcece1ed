using Shouldly;

namespace RestorePoints.SnapshotEngine.Tests;

/// <summary>One step of a random history; the numbers are folded into whatever exists when the step runs.</summary>
internal readonly record struct Step(int Kind, int A, int B, int C);

/// <summary>Carries out a random history on a store and on the model, side by side.</summary>
internal sealed class History(SnapshotStoreOptions options) : IDisposable
{
    private const int PageBytes = StoreModel.PageBytes;
    private const int SectorBytes = Geometry.SectorBytes;

    private readonly StoreModel _model = new();
    private readonly List<(VolumeView View, byte[] Bytes)> _readers = [];
    private readonly List<(StoreImage Image, TestDirectory Directory, StoreModel Model)> _images = [];
    private StoreModel _durable = new();
    private TestDirectory _directory = new();
    private SnapshotStore? _store;
    private int _ids;

    public void Run(IReadOnlyList<Step> steps)
    {
        _store = Small.Open(_directory, options);
        AddVolume(6);
        for (int i = 0; i < steps.Count; i++)
        {
            Do(steps[i]);
            _model.Now++;
            if (_readers.Count == 0) _store.ShouldAccountForEverySlot();
            if (i % 6 == 5) _store.ShouldMatch(_model);
        }

        _store.ShouldMatch(_model);
        CloseReaders();
        _store.ShouldAccountForEverySlot();
        Crash();
        TakeImage();
        DeleteEverything();
        RestoreImages();
        _store.Slots.UsedSlots.ShouldBe(0);
        _store.GetUsage().Volumes.ShouldBe(0);
    }

    public void Dispose()
    {
        _store?.Dispose();
        _directory.Dispose();
    }

    private void Do(Step step)
    {
        List<ModelVolume> heads = [.. _model.Volumes.Where(volume => volume.HasHead)];
        ModelVolume? head = heads.Count == 0 ? null : heads[step.A % heads.Count];
        List<(ModelVolume Volume, ModelPoint Point)> points = [.. _model.Volumes.SelectMany(volume => volume.Points.Select(point => (volume, point)))];
        switch (step.Kind)
        {
            case <= 5 when head is not null:
                Write(head, step.B % head.Head.Pages * PageBytes, (1 + step.C % 7) * PageBytes, (byte)(step.B + step.C + _model.Now | 1));
                break;
            case <= 8 when head is not null:
                Write(head, step.B % (head.Head.Pages * 8) * SectorBytes, (1 + step.C % 19) * SectorBytes, (byte)(step.C % 5 == 0 ? 0 : _model.Now | 1));
                break;
            case 9 when head is not null:
                Write(head, step.B % head.Head.Pages * PageBytes, (1 + step.C % 5) * PageBytes, 0);
                break;
            case 10 when head is not null:
                Clear(head, step.B % head.Head.Pages * PageBytes, (1 + step.C % 9) * PageBytes);
                break;
            case 11 when head is not null:
                Clear(head, step.B % (head.Head.Pages * 8) * SectorBytes, (1 + step.C % 30) * SectorBytes);
                break;
            case 12 or 13 when head is not null:
                TakePoint([head]);
                break;
            case 14 when heads.Count > 0:
                TakePoint([.. heads.Skip(step.B % heads.Count)]);
                break;
            case 15 or 16 when points.Count > 0:
                DeletePoint(points[step.B % points.Count]);
                break;
            case 17 when points.Count > 0 && _model.Volumes.Count < 6:
                Fork(points[step.B % points.Count], step.C % 3);
                break;
            case 18 when head is not null && step.B % 2 == 0:
                _store!.DeleteHead(head.Id);
                head.HasHead = false;
                break;
            case 18 when _model.Volumes.Count < 4:
                AddVolume(1 + step.C % 20);
                break;
            case 19 when head is not null && head.Head.Pages < 40:
                int pages = head.Head.Pages + step.C % 6;
                _store!.Resize(head.Id, (long)pages * PageBytes);
                head.Head = head.Head.Copy(pages);
                break;
            case 20:
                Reopen();
                break;
            case 21:
                Crash();
                break;
            case 22:
                _store!.FlushInBackground();
                _durable = _model.Clone();
                break;
            case 23:
                _store!.WriteCheckpoint();
                _durable = _model.Clone();
                break;
            case 24 when points.Count > 0:
                (ModelVolume volume, ModelPoint point) = points[step.B % points.Count];
                _readers.Add((_store!.OpenPoint(volume.Id, point.Id), point.Content.Bytes));
                break;
            case 25:
                CloseReaders();
                break;
            case 26:
                LosePower();
                break;
            case 27 when points.Count > 0:
                GrowPoint(points[step.B % points.Count], step.C % 6);
                break;
            case 28 when _images.Count == 0:
                TakeImage();
                break;
            case 29:
                RestoreImages();
                break;
        }
    }

    private void AddVolume(int pages)
    {
        var volume = new ModelVolume(NextId(), pages);
        _store!.CreateVolume(volume.Id, (long)pages * PageBytes);
        _store.CreateVolume(volume.Id, (long)pages * PageBytes);
        _model.Volumes.Add(volume);
    }

    private void Write(ModelVolume volume, int offset, int length, byte value)
    {
        length = Math.Min(length, volume.Head.Bytes.Length - offset);
        byte[] data = new byte[length];
        // Every other page of zeros in some writes, so that one request mixes all states.
        for (int i = 0; i < length; i++) data[i] = value % 7 == 1 && i / PageBytes % 2 == 1 ? (byte)0 : (byte)(value + i / SectorBytes * (value & 1));
        _store!.Write(volume.Id, offset, data);
        volume.Head.Write(offset, data, _model.Now);
    }

    private void Clear(ModelVolume volume, int offset, int length)
    {
        length = Math.Min(length, volume.Head.Bytes.Length - offset);
        _store!.Clear(volume.Id, offset, length);
        volume.Head.Clear(offset, length, _model.Now);
    }

    private void TakePoint(ModelVolume[] volumes)
    {
        Guid id = NextId();
        Guid[] ids = [.. volumes.Select(volume => volume.Id)];
        _store!.CreatePoint(id, ids);
        _store.CreatePoint(id, ids);
        foreach (ModelVolume volume in volumes) volume.Points.Add(new ModelPoint(id, volume.Head.Copy(volume.Head.Pages), _model.Now));
    }

    private void DeletePoint((ModelVolume Volume, ModelPoint Point) chosen)
    {
        _store!.DeletePoint(chosen.Volume.Id, chosen.Point.Id);
        _store.DeletePoint(chosen.Volume.Id, chosen.Point.Id);
        chosen.Volume.Points.Remove(chosen.Point);
    }

    private void GrowPoint((ModelVolume Volume, ModelPoint Point) chosen, int grow)
    {
        int pages = chosen.Point.Content.Pages + grow;
        if (pages > 40) return;
        _store!.ResizePoint(chosen.Volume.Id, chosen.Point.Id, (long)pages * PageBytes);
        _store.ResizePoint(chosen.Volume.Id, chosen.Point.Id, (long)pages * PageBytes);
        chosen.Volume.Points[chosen.Volume.Points.IndexOf(chosen.Point)] = chosen.Point with { Content = chosen.Point.Content.Copy(pages) };
    }

    private void Fork((ModelVolume Volume, ModelPoint Point) chosen, int grow)
    {
        int pages = chosen.Point.Content.Pages + grow;
        var child = new ModelVolume(NextId(), 1) { Head = chosen.Point.Content.Inherit(pages) };
        _store!.CreateVolumeFromPoint(child.Id, chosen.Volume.Id, chosen.Point.Id, (long)pages * PageBytes);
        _model.Volumes.Add(child);
    }

    private void Reopen()
    {
        RestoreImages();
        CloseReaders();
        _store!.Dispose();
        _directory.ShouldVerify(options);
        _store = Small.Open(_directory, options);
        _durable = _model.Clone();
        _store.ShouldAccountForEverySlot();
        _store.ShouldMatch(_model);
    }

    private void Crash()
    {
        TestDirectory copy = _directory.Copy();
        RestoreImages();
        CloseReaders();
        _store!.Dispose();
        _directory.Dispose();
        _directory = copy;
        _directory.ShouldVerify(options);
        _store = Small.Open(_directory, options);
        _durable = _model.Clone();
        _store.ShouldAccountForEverySlot();
        _store.ShouldMatch(_model);
    }

    /// <summary>A copy under another kernel: what was flushed is there, with every byte of every point, and nothing later of the index.</summary>
    private void LosePower()
    {
        using TestDirectory copy = _directory.Copy();
        SnapshotStoreOptions otherKernel = options with { BootId = Guid.NewGuid() };
        copy.ShouldVerify(otherKernel);
        using SnapshotStore rebooted = Small.Open(copy, otherKernel);
        if (options.Durability == Durability.Power) rebooted.ShouldMatch(_model);
        else rebooted.ShouldMatch(_durable, comparesHeads: false);
        rebooted.ShouldAccountForEverySlot();
    }

    /// <summary>Readers that were opened before deletions, writes and flushes still see their point.</summary>
    private void CloseReaders()
    {
        foreach ((VolumeView view, byte[] bytes) in _readers)
        {
            byte[] actual = new byte[bytes.Length];
            view.Read(0, actual);
            actual.AsSpan().SequenceEqual(bytes).ShouldBeTrue("an open view shows what it showed");
            view.Dispose();
        }

        _readers.Clear();
    }

    private void TakeImage()
    {
        var directory = new TestDirectory();
        _images.Add((StoreImage.Take([(_store!, Path.Combine(directory.Path, SnapshotStore.CheckpointName))])[0], directory, _model.Clone()));
    }

    /// <summary>What an image makes is the store of its instant, whatever happened since.</summary>
    private void RestoreImages()
    {
        foreach ((StoreImage image, TestDirectory directory, StoreModel model) in _images)
        {
            StoreImage.Restore(directory.Path, image.OpenPages(), options.Geometry);
            using (SnapshotStore restored = Small.Open(directory, options))
            {
                restored.ShouldAccountForEverySlot();
                restored.ShouldMatch(model);
            }

            image.Dispose();
            directory.Dispose();
        }

        _images.Clear();
    }

    private void DeleteEverything()
    {
        foreach (ModelVolume volume in _model.Volumes)
        {
            if (volume.HasHead) _store!.DeleteHead(volume.Id);
            foreach (ModelPoint point in volume.Points) _store!.DeletePoint(volume.Id, point.Id);
            volume.HasHead = false;
            volume.Points.Clear();
        }
    }

    private Guid NextId() => new(++_ids, 0, 0, new byte[8]);
}
