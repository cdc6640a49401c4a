// Hands a POS's events to storekeep-agent and keeps each until the agent has it on disk.
//
//     Outbox OUTBOX TOKEN_FILE [http://127.0.0.1:7710] < sale.json
//
// Puts the event on standard input into the outbox folder and sends all that waits there, oldest
// first. Ends with 0 when nothing waits any more, with 1 otherwise. .NET Framework 4.6.1, Mono 6 or
// .NET 6 and later, nothing else.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Threading.Tasks;

/// <summary>The agent does not run, or cannot write at present. The same is sent again later.</summary>
public sealed class NotTakenYetException : Exception
{
    public NotTakenYetException(string message, Exception cause) : base(message, cause) { }
}

public sealed class Outbox
{
    // What will not be taken however often it is sent: somebody has to correct it.
    private static readonly HashSet<int> Refusals = new HashSet<int> { 400, 409, 413, 422 };
    private static readonly HttpClient Http = new HttpClient { Timeout = TimeSpan.FromSeconds(15) };

    private readonly string folder;
    private readonly string refused;
    private readonly string tokenFile;
    private readonly Uri events;

    public Outbox(string folder, string tokenFile, string agent)
    {
        this.folder = folder;
        this.tokenFile = tokenFile;
        refused = Path.Combine(folder, "refused");
        events = new Uri(new Uri(agent), "/v1/events");
        Directory.CreateDirectory(refused);
    }

    /// <summary>Writes an event (JSON) so that it survives a power cut. Call it before the receipt is
    /// printed.</summary>
    public void Put(byte[] json)
    {
        var file = Path.Combine(folder, DateTime.UtcNow.Ticks.ToString("D20"));
        using (var draft = new FileStream(file + ".tmp", FileMode.CreateNew))
        {
            draft.Write(json, 0, json.Length);
            draft.Flush(true);
        }
        File.Move(file + ".tmp", file + ".json");
        // The new name is on disk as well once the file has been flushed under it.
        using (var named = new FileStream(file + ".json", FileMode.Open, FileAccess.Write))
        {
            named.Flush(true);
        }
    }

    /// <summary>Sends what waits, oldest first. Sending twice is harmless: the agent knows a receipt
    /// again and answers as before.</summary>
    public async Task SendAsync()
    {
        foreach (var file in Directory.GetFiles(folder, "*.json").OrderBy(name => name, StringComparer.Ordinal))
        {
            using (var response = await PostAsync(File.ReadAllBytes(file)))
            {
                var status = (int)response.StatusCode;
                var answer = await response.Content.ReadAsStringAsync();
                if (status == 200 || status == 201)
                {
                    if (answer.Contains("\"conflictOf\""))
                    {
                        Console.Error.WriteLine("known receipt, other content: " + answer);
                    }
                    File.Delete(file);
                }
                else if (Refusals.Contains(status))
                {
                    Console.Error.WriteLine("refused: " + answer);
                    var kept = Path.Combine(refused, Path.GetFileName(file));
                    File.WriteAllText(kept + ".problem", answer);
                    File.Move(file, kept);
                }
                else
                {
                    throw new NotTakenYetException(status + " " + answer, null);
                }
            }
        }
    }

    private async Task<HttpResponseMessage> PostAsync(byte[] json)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, events) { Content = new ByteArrayContent(json) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        var token = File.ReadAllText(tokenFile).Trim();
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        try
        {
            return await Http.SendAsync(request);
        }
        catch (Exception error) when (error is HttpRequestException || error is TaskCanceledException)
        {
            throw new NotTakenYetException("no answer from " + events + ": " + error.Message, error);
        }
    }

    public static int Main(string[] arguments)
    {
        var agent = arguments.Length > 2 ? arguments[2] : "http://127.0.0.1:7710";
        var outbox = new Outbox(arguments[0], arguments[1], agent);
        var json = new MemoryStream();
        Console.OpenStandardInput().CopyTo(json);
        if (json.Length > 0)
        {
            outbox.Put(json.ToArray());
        }
        try
        {
            outbox.SendAsync().GetAwaiter().GetResult();
            return 0;
        }
        catch (NotTakenYetException error)
        {
            Console.Error.WriteLine("not taken yet, it waits in " + outbox.folder + ": " + error.Message);
            return 1;
        }
    }
}
